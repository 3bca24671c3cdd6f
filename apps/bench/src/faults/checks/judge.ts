import {
  doubled,
  gaps,
  hits,
  overlapping,
  percentile,
  rescues,
  unfinished,
  willRunAgain,
  type Hit,
} from './checkers.js';
import { ackedKeys, finishedKeys, runsOf, type Evidence } from './evidence.js';

/** What the ledgers of one case say. Counts are of jobs, times are milliseconds. */
export interface Verdict {
  acked: number;
  /** Calls that were told an error. */
  refused: number;
  finished: number;
  /** Acked, not finished, and the store does not have it to run any more. */
  lost: number;
  /** Acked, not finished within the patience, and the store still has it. */
  late: number;
  doubled: number;
  overlapping: number;
  /** Finished, and the store still has it to run: doubled later. */
  willRunAgain: number;
  buried: number;
  hits: Hit[];
  rescue: {
    /** Jobs that ran in a process when it was killed. */
    interrupted: number;
    rescued: number;
    p50: number | undefined;
    max: number | undefined;
  };
  /** Without these the ledger is complete. */
  gaps: string[];
}

export function judge(evidence: Evidence, jobs: number): Verdict {
  const { lines, faults, held, buried } = evidence;
  const runs = runsOf(evidence);
  const { lost, late } = unfinished(evidence, runs);
  const rescued = rescues(faults, runs);
  const times = rescued.flatMap(({ afterMs }) => afterMs ?? []);
  return {
    acked: ackedKeys(lines).size,
    refused: lines.filter(({ kind }) => kind === 'err').length,
    finished: finishedKeys(runs).size,
    lost: lost.length,
    late: late.length,
    doubled: doubled(runs).length,
    overlapping: overlapping(runs).length,
    willRunAgain: willRunAgain(held, runs).length,
    buried: buried.size,
    hits: hits(evidence, runs),
    rescue: {
      interrupted: rescued.length,
      rescued: times.length,
      p50: percentile(times, 0.5),
      max: percentile(times, 1),
    },
    gaps: gaps(evidence, runs, jobs),
  };
}
