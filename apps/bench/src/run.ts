import type { ContestantName } from './contestants/names.js';
import { median } from './report/statistics.js';
import type { Report, Result } from './report/results.js';
import type { Entrant, Run, Scenario } from './scenarios/scenario.js';

export interface Plan {
  scenarios: readonly Scenario[];
  /** All, if none are named. */
  contestants: readonly ContestantName[];
  rounds: number;
}

export type Findings = Pick<Report, 'results' | 'failures'>;

/** Round after round, and in each the contestants one after the other: whatever slows the machine down meanwhile meets all of them. */
export async function runAll(
  { scenarios, contestants, rounds }: Plan,
  run: Run,
  say: (line: string) => void,
  /** After each scenario, with all that there is so far. */
  save: (findings: Findings) => Promise<void>,
): Promise<Findings> {
  const results: Result[] = [];
  const failures: string[] = [];
  for (const scenario of scenarios) {
    const entrants = scenario.entrants.filter(
      ({ contestant }) =>
        contestants.length === 0 || contestants.includes(contestant),
    );
    if (entrants.length === 0) continue;
    say(`\n${scenario.name}: ${scenario.title}`);
    const values = new Map<string, number[]>();
    for (let round = 1; round <= rounds; round++)
      for (const entrant of entrants) {
        const name = nameOf(entrant);
        try {
          const measured = await entrant.round(run);
          for (const [id, value] of Object.entries(measured)) {
            const key = keyOf(id, entrant.contestant);
            values.set(key, [...(values.get(key) ?? []), value!]);
          }
          say(`  ${round}/${rounds} ${name}: ${show(measured)}`);
        } catch (error) {
          // The hour that the others take is not to be lost; the run as a whole has failed.
          const { message } = error as Error;
          failures.push(
            `${scenario.name}, ${name}, round ${round}: ${message}`,
          );
          say(`  ${round}/${rounds} ${name}: FAILED, ${message}`);
        }
      }
    results.push(...summarize(scenario, entrants, values));
    await save({ results, failures });
  }
  return { results, failures };
}

function summarize(
  { measures }: Scenario,
  entrants: readonly Entrant[],
  values: ReadonlyMap<string, number[]>,
): Result[] {
  const contestants = new Set(entrants.map(({ contestant }) => contestant));
  return measures.flatMap(({ id, unit }) =>
    [...contestants].flatMap((contestant) => {
      const measured = values.get(keyOf(id, contestant));
      if (!measured) return [];
      return [
        {
          scenario: id,
          contestant,
          unit,
          median: median(measured),
          min: Math.min(...measured),
          max: Math.max(...measured),
          values: measured,
        },
      ];
    }),
  );
}

const keyOf = (id: string, contestant: string): string => `${id}|${contestant}`;

const nameOf = ({ contestant, label }: Entrant): string =>
  label ? `${contestant}, ${label}` : contestant;

const show = (measured: Partial<Record<string, number>>): string =>
  Object.entries(measured)
    .map(([id, value]) => `${id} ${value!.toPrecision(4)}`)
    .join('  ');
