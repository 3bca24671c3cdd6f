import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Measures } from './checks/measures.js';

/** One thing that was to hold, and whether it did. */
export interface Verdict {
  /** The scenario, or the mutant of one. */
  where: string;
  what: string;
  passed: boolean;
  /** Of a mutant: who caught it. Of a failure: how often. */
  detail: string;
}

export interface Report {
  seed: number;
  profile: string;
  versions: Readonly<Record<string, string>>;
  startedAt: string;
  durationMs: number;
  /** What the storm showed, if there was one. */
  storm:
    | (Measures & {
        faults: Readonly<Record<string, number>>;
        settledMs: number | undefined;
        violations: Record<string, number>;
      })
    | undefined;
  scenarios: {
    name: string;
    mutant: string | undefined;
    caughtBy: string[];
    settledMs: number | undefined;
    tookMs: number;
  }[];
  verdicts: Verdict[];
}

export async function writeReport(report: Report, file: string): Promise<void> {
  await mkdir(path.dirname(path.resolve(file)), { recursive: true });
  await writeFile(file, `${JSON.stringify(report, undefined, 2)}\n`);
}

type Storm = NonNullable<Report['storm']>;

/** What the storm showed, a row each: for the console and for the page. */
export function stormRows(
  storm: Storm,
): (readonly [string, string | number])[] {
  return [
    ['jobs', storm.jobs],
    [
      '  acked, refused, unanswered',
      `${storm.acked}, ${storm.refused}, ${storm.unanswered}`,
    ],
    ...Object.entries(storm.byStatus).map(
      ([status, n]) => [`  ${status}`, n] as const,
    ),
    ['runs', storm.runs],
    ...Object.entries(storm.faults)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([kind, n]) => [`fault: ${kind}`, n] as const),
    ...[
      'lost',
      'doubled without a cause',
      'phantom',
      'illegal transition',
      'early claim',
      'overlap',
      'effects of no completion',
    ].map((name) => [name, storm.violations[name] ?? 0] as const),
    ['repeated after a crash', storm.repeatedAfterCrash],
    ['late results refused', storm.lateResultsRefused],
    ['answers of a settle lost', storm.answersLost],
    ['claims given back unstarted', storm.givenBackUnstarted],
    ['workers fenced', storm.fenced],
    [
      'rescue p50 / p99 / max',
      `${storm.rescueMs.p50} / ${storm.rescueMs.p99} / ${storm.rescueMs.max} ms (${storm.rescueMs.count})`,
    ],
    [
      'at rest after',
      storm.settledMs === undefined
        ? 'never'
        : `${Math.round(storm.settledMs)} ms`,
    ],
    ['throughput', `${storm.jobsPerSecond} jobs/s`],
  ];
}

export function printReport(report: Report): void {
  const { storm, scenarios, verdicts, versions } = report;
  if (storm) {
    console.log('\nThe storm');
    table(stormRows(storm));
  }
  if (scenarios.length > 0) {
    console.log('\nScenarios and mutants');
    table(
      scenarios.map(({ name, mutant, caughtBy, tookMs }) => [
        mutant ? `  ${mutant}` : name,
        `${(tookMs / 1000).toFixed(1).padStart(5)} s  ${caughtBy.length > 0 ? `caught by: ${caughtBy.join(', ')}` : 'clean'}`,
      ]),
    );
  }
  const failed = verdicts.filter(({ passed }) => !passed);
  if (failed.length > 0) {
    console.log('\nFAILED');
    table(
      failed.map(({ where, what, detail }) => [where, `${what}: ${detail}`]),
    );
  }
  console.log('');
  table([
    ['seed', report.seed],
    ['profile', report.profile],
    ...Object.entries(versions),
    ['duration', `${(report.durationMs / 1000).toFixed(1)} s`],
  ]);
  console.log(
    `\n${verdicts.length - failed.length} passed, ${failed.length} failed`,
  );
}

function table(rows: readonly (readonly [string, string | number])[]): void {
  const width = Math.max(...rows.map(([name]) => name.length));
  for (const [name, value] of rows)
    console.log(`  ${name.padEnd(width)}  ${value}`);
}
