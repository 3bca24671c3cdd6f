import { SCENARIOS } from '../scenarios/scenarios.js';
import type { Result } from './results.js';
import type { Verdict } from './targets.js';
import { goal, number, reached } from './words.js';
import { measure } from '../scenarios/scenarios.js';

/** What was measured, and how it stands against the targets; for a terminal. */
export function table(
  results: readonly Result[],
  verdicts: readonly Verdict[],
): string {
  const measures = SCENARIOS.flatMap((scenario) => scenario.measures);
  const numbers = measures.flatMap(({ id, title, unit, better }) => {
    const rows = results.filter(({ scenario }) => scenario === id);
    if (rows.length === 0) return [];
    const kyu = rows.find(({ contestant }) => contestant === 'kyu')?.median;
    return [
      `\n${title} (${unit}, ${better} is better)`,
      ...columns(
        rows.map(({ contestant, median, min, max }) => [
          `  ${contestant}`,
          number(median),
          `${number(min)} – ${number(max)}`,
          kyu === undefined || contestant === 'kyu'
            ? ''
            : `kyu ${number(kyu / median)} ×`,
        ]),
      ),
    ];
  });
  const targets = columns(
    verdicts.map(({ target, value, passed }) => [
      passed ? '  pass' : '  FAIL',
      measure(target.measure).title,
      goal(target),
      reached(target, value),
    ]),
  );
  return [...numbers, '\nTargets', ...targets].join('\n');
}

function columns(rows: readonly string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]!.length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}
