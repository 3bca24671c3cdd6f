import { plainArray, unlessNull } from './plain-array.js';
import type { ToldRow } from './settle.sql.js';

/** How a run ended. */
export type Outcome =
  | { status: 'completed'; resultJson: string | null }
  | { status: 'failed'; retryInMs: number; error: string; stack?: string }
  | { status: 'dead'; error: string; stack?: string };

/** How a settle left the job: as its run ended, or cancelled because that was asked for meanwhile. */
export type SettledStatus = Outcome['status'] | 'cancelled';

/** One run of a job, by its fencing token. */
export interface Run {
  id: string;
  token: number;
}

export interface Settlement extends Run {
  outcome: Outcome;
}

/** The parameters of both forms of a settle. */
export function settleValues(
  worker: string,
  settlements: readonly Settlement[],
): unknown[] {
  const outcomes = settlements.map(({ outcome }) => outcome);
  return [
    plainArray(settlements, ({ id }) => id),
    plainArray(settlements, ({ token }) => token),
    plainArray(outcomes, ({ status }) => status),
    unlessNull(
      outcomes.map((run) => (run.status === 'failed' ? run.retryInMs : null)),
    ),
    unlessNull(
      outcomes.map((run) => (run.status === 'completed' ? null : run.error)),
    ),
    unlessNull(
      outcomes.map((run) =>
        run.status === 'completed' ? null : (run.stack ?? null),
      ),
    ),
    unlessNull(
      outcomes.map((run) =>
        run.status === 'completed' ? run.resultJson : null,
      ),
    ),
    worker,
  ];
}

/** How the runs ended that were settled, from what either form of a settle tells. */
export function endsOf(
  settlements: readonly Settlement[],
  rows: readonly ToldRow[],
): Map<string, SettledStatus> {
  const ends = new Map<string, SettledStatus>();
  let count = 0;
  for (const { id, status, settled } of rows)
    if (settled !== null) count = settled;
    else ends.set(id!, status as SettledStatus);
  if (count === settlements.length)
    for (const { id, outcome } of settlements)
      if (!ends.has(id)) ends.set(id, outcome.status);
  return ends;
}
