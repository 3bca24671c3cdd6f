/** One thing that the demo looks at after the work is done. */
export interface Check {
  what: string;
  expected: string;
  found: string;
}

export const isRight = ({ expected, found }: Check): boolean =>
  expected === found;

/** Checks as a table for people. */
export function printChecks(
  headings: readonly [what: string, expected: string, found: string],
  checks: readonly Check[],
  print: (line: string) => void,
): void {
  const rows = [
    [...headings, ''],
    ...checks.map((check) => [
      check.what,
      check.expected,
      check.found,
      isRight(check) ? 'ok' : 'WRONG',
    ]),
  ];
  const widths = headings.map((_, column) =>
    Math.max(...rows.map((row) => row[column]!.length)),
  );
  for (const row of rows)
    print(
      `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
    );
}
