import { POSTGRES_PEERS, type ContestantName } from '../contestants/names.js';
import { find, type Result } from './results.js';

/** What Kyu's number is held against. */
type Against =
  | { peer: ContestantName }
  /** The best of those that took part: the lowest. */
  | { lowestOf: readonly ContestantName[] }
  /** Another number of Kyu's own, from the same run. */
  | { measure: string }
  | undefined;

/** A goal of Kyu: a ratio within one run, or, where there is nothing to compare with, a number. */
export interface Target {
  measure: string;
  against: Against;
  atLeast?: number;
  atMost?: number;
}

const ALL_PEERS: readonly ContestantName[] = ['bullmq', ...POSTGRES_PEERS];

const than = (
  measure: string,
  peer: ContestantName,
  limit: Pick<Target, 'atLeast' | 'atMost'>,
): Target => ({ measure, against: { peer }, ...limit });

const thanOwn = (
  measure: string,
  other: string,
  limit: Pick<Target, 'atLeast' | 'atMost'>,
): Target => ({ measure, against: { measure: other }, ...limit });

const upTo = (measure: string, atMost: number): Target => ({
  measure,
  against: undefined,
  atMost,
});

/** The same in one process and in two. */
const latency = (setUp: string): Target[] => [
  than(`${setUp}-p50`, 'bullmq', { atMost: 1.2 }),
  ...POSTGRES_PEERS.map((peer) => than(`${setUp}-p50`, peer, { atMost: 0.5 })),
  { measure: `${setUp}-p99`, against: { lowestOf: ALL_PEERS }, atMost: 1 },
];

export const TARGETS: readonly Target[] = [
  than('process', 'bullmq', { atLeast: 3.5 }),
  than('process', 'graphile-worker', { atLeast: 1.5 }),
  than('process', 'bullmq-postgres', { atLeast: 15 }),
  than('process', 'floor', { atLeast: 0.7 }),
  than('enqueue', 'bullmq', { atLeast: 1.5 }),
  than('enqueue', 'graphile-worker', { atLeast: 20 }),
  than('enqueue', 'pg-boss', { atLeast: 20 }),
  than('bulk', 'bullmq', { atLeast: 3 }),
  than('bulk', 'graphile-worker', { atLeast: 1.5 }),
  than('bulk', 'floor', { atLeast: 0.6 }),
  ...latency('latency'),
  ...latency('latency-apart'),
  upTo('lateness-p99', 50),
  upTo('priority-worst', 250),
  thanOwn('process-finished', 'process-empty', { atLeast: 0.95 }),
  thanOwn('process-1m', 'process-10k', { atLeast: 0.95 }),
  // Flat: what is staged is bounded, so a hundred times the backlog is no more in Redis.
  thanOwn('redis-1m', 'redis-10k', { atMost: 1.1 }),
  thanOwn('process-scheduled', 'process-none-scheduled', { atLeast: 0.95 }),
  thanOwn('load-pinned', 'load-free', { atLeast: 0.95 }),
  upTo('idle-transactions', 1),
  upTo('idle-cpu', 0.5),
  thanOwn('scale-2', 'scale-1', { atLeast: 1.9 }),
  upTo('BenchmarkExecute', 0.6),
  upTo('BenchmarkExecuteTwoInterceptors', 1.5),
  upTo('memory-1m', 150),
];

export interface Verdict {
  target: Target;
  /** The ratio, or the number itself where there is nothing to compare with. */
  value: number;
  passed: boolean;
}

/** Of the targets for which the run has the numbers. `slack` widens the limits: 2 lets half of what is asked for pass. */
export function judge(
  results: readonly Result[],
  targets: readonly Target[] = TARGETS,
  slack = 1,
): Verdict[] {
  return targets.flatMap((target) => {
    const own = find(results, target.measure, 'kyu')?.median;
    const other = compared(results, target);
    if (own === undefined || other === undefined) return [];
    const value = own / other;
    const { atLeast = Number.NEGATIVE_INFINITY, atMost = Infinity } = target;
    return [
      {
        target,
        value,
        passed: value >= atLeast / slack && value <= atMost * slack,
      },
    ];
  });
}

/**
 * The targets for a guard against regressions: what a full run did not reach is held against what it reached at the least, Kyu's worst round against the best
 * of the others. Ratios move from machine to machine, too.
 */
export function withinReach(
  targets: readonly Target[],
  reached: readonly Result[],
): Target[] {
  return targets.map((target) => {
    const [verdict] = judge(reached, [target]);
    if (!verdict || verdict.passed) return target;
    const [least] = judge(atWorst(reached, target), [target]);
    const value = Number(least!.value.toPrecision(3));
    return {
      ...target,
      ...(target.atLeast !== undefined && { atLeast: value }),
      ...(target.atMost !== undefined && { atMost: value }),
    };
  });
}

/** The results as they are when Kyu had its worst round, and all others their best. */
const atWorst = (results: readonly Result[], { atLeast }: Target): Result[] =>
  results.map((each) => ({
    ...each,
    median:
      (each.contestant === 'kyu') === (atLeast !== undefined)
        ? each.min
        : each.max,
  }));

function compared(
  results: readonly Result[],
  { measure, against }: Target,
): number | undefined {
  if (against === undefined) return 1;
  if ('measure' in against)
    return find(results, against.measure, 'kyu')?.median;
  if ('peer' in against) return find(results, measure, against.peer)?.median;
  const all = against.lowestOf.flatMap(
    (peer) => find(results, measure, peer)?.median ?? [],
  );
  return all.length > 0 ? Math.min(...all) : undefined;
}
