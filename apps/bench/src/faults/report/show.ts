import { FAULT_NAMES, FAULTS } from '../faults.js';
import type { FaultsReport } from './report.js';
import { summary, tableOf, type Table } from './tables.js';

/** For people at a terminal. */
export function show({ cases, seed, versions, machine }: FaultsReport): void {
  for (const fault of FAULT_NAMES) {
    const table = tableOf(fault, cases);
    if (table.rows.length > 0) print(FAULTS[fault].title, table);
  }
  print('All faults together', summary(cases));
  console.log(`\nseed ${seed}, ${machine}`);
  console.log(versionList(versions));
}

export const versionList = (versions: Record<string, string>): string =>
  Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');

/** A line for each number: a line for each contestant would be wider than a terminal. */
function print(title: string, { head, rows }: Table): void {
  console.log(`\n${title}`);
  const lines = head.map((name, n) => [name, ...rows.map((row) => row[n]!)]);
  const widths = [0, ...rows.keys()].map((_, n) =>
    Math.max(...lines.map((line) => (line[n] ?? '').length)),
  );
  widths.push(Math.max(...lines.map((line) => line.at(-1)!.length)));
  for (const line of lines)
    console.log(
      `  ${line.map((cell, n) => cell.padEnd(widths[n] ?? 0)).join('  ')}`.trimEnd(),
    );
}
