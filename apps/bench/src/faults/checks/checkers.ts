import {
  ackedKeys,
  finishedKeys,
  type Evidence,
  type Fault,
  type Run,
} from './evidence.js';

/** Acked and never finished: what the contestant has lost for good, and what it still means to do. */
export function unfinished(
  { lines, held }: Pick<Evidence, 'lines' | 'held'>,
  runs: readonly Run[],
): { lost: string[]; late: string[] } {
  const finished = finishedKeys(runs);
  const missing = [...ackedKeys(lines)].filter((key) => !finished.has(key));
  return {
    // Nobody holds it, or it was given up: no waiting brings it back.
    lost: missing.filter((key) => !held.has(key)),
    late: missing.filter((key) => held.has(key)),
  };
}

/** Keys of jobs whose handler ran to its end more than once, without a share of those that did not get there. */
export function doubled(runs: readonly Run[]): string[] {
  const ends = new Map<string, number>();
  for (const { key, how } of runs)
    if (how === 'end') ends.set(key, (ends.get(key) ?? 0) + 1);
  return [...ends].filter(([, times]) => times > 1).map(([key]) => key);
}

/** Finished, and still held by the store as if it were not: it will run again. */
export const willRunAgain = (
  held: ReadonlySet<string>,
  runs: readonly Run[],
): string[] => {
  const finished = finishedKeys(runs);
  return [...held].filter((key) => finished.has(key));
};

/** Keys of jobs of which two runs went on at once, in processes that lived. */
export function overlapping(runs: readonly Run[]): string[] {
  const latest = new Map<string, number>();
  const found = new Set<string>();
  for (const { key, startedAt, overAt } of runs) {
    const over = latest.get(key);
    if (over !== undefined && startedAt < over) found.add(key);
    latest.set(key, overAt);
  }
  return [...found];
}

export interface Rescue {
  key: string;
  /** From the SIGKILL to the next start of the job; undefined: there was none. */
  afterMs: number | undefined;
}

/** The jobs that ran in a process when it was killed. */
export function rescues(
  faults: readonly Fault[],
  runs: readonly Run[],
): Rescue[] {
  return faults.flatMap((fault) =>
    fault.process === undefined
      ? []
      : interruptedBy(fault, runs).map(({ key }) => {
          const next = runs.find(
            (run) => run.key === key && run.startedAt > fault.mono,
          );
          return { key, afterMs: next && next.startedAt - fault.mono };
        }),
  );
}

/** What a fault found: it proves nothing if it found nothing. */
export interface Hit {
  kind: Fault['kind'];
  /** Runs that it interrupted, or that went on while it happened. */
  running: number;
  /** Jobs that were acked and had not been started. */
  waiting: number;
}

export function hits(
  { lines, faults }: Pick<Evidence, 'lines' | 'faults'>,
  runs: readonly Run[],
): Hit[] {
  return faults.map((fault) => {
    const started = new Set(
      runs.filter(({ startedAt }) => startedAt <= fault.mono).map((r) => r.key),
    );
    const acked = ackedKeys(lines.filter(({ mono }) => mono <= fault.mono));
    return {
      kind: fault.kind,
      running: interruptedBy(fault, runs).length,
      waiting: [...acked].filter((key) => !started.has(key)).length,
    };
  });
}

const interruptedBy = (fault: Fault, runs: readonly Run[]): Run[] =>
  runs.filter(
    ({ process, startedAt, overAt, how }) =>
      startedAt <= fault.mono &&
      (fault.process === undefined
        ? overAt > fault.mono
        : process === fault.process && how === 'died'),
  );

/**
 * What is wrong with the ledger itself: without these it is the whole story. `processes` are those that were started.
 */
export function gaps(
  { lines, deaths }: Pick<Evidence, 'lines' | 'deaths'>,
  runs: readonly Run[],
  jobs: number,
): string[] {
  const keysOf = (...kinds: string[]): string[] =>
    lines.filter(({ kind }) => kinds.includes(kind)).map(({ key }) => key!);
  const tried = keysOf('try');
  const answered = keysOf('ack', 'err');
  const known = new Set(tried);
  const complaints: [string, number][] = [
    ['jobs were never tried', jobs - known.size],
    ['keys were tried twice', tried.length - known.size],
    ['calls have no answer', known.size - new Set(answered).size],
    ['calls have two answers', answered.length - new Set(answered).size],
    [
      'runs are of no known job',
      runs.filter(({ key }) => !known.has(key)).length,
    ],
    ['runs have no end', runs.filter(({ how }) => how === 'open').length],
    [
      'ledgers have lines from after the end of their process',
      lines.filter(
        ({ process, mono }) => mono > (deaths.get(process) ?? Infinity),
      ).length,
    ],
  ];
  return complaints
    .filter(([, times]) => times > 0)
    .map(([what, times]) => `${times} ${what}`);
}

/** The value below which the share `p` of the values lies; of none: undefined. */
export function percentile(
  values: readonly number[],
  p: number,
): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)];
}
