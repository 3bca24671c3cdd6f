import { MAX_INTEGER } from '../job/new-job.js';
import { isUuid } from '../runtime/uuid-v7.js';
import type { ReadyJob } from './ready-queue.js';

/** Ids and scores by turns, as Redis answers. */
export const readyJobs = (idsAndScores: readonly string[]): ReadyJob[] =>
  Array.from({ length: idsAndScores.length / 2 }, (_, i) => ({
    id: idsAndScores[2 * i]!,
    priority: 0 - Number(idsAndScores[2 * i + 1]),
  }));

/** What Kyu may have put in: an id, and a priority as Postgres has them. */
export const isJob = ({ id, priority }: ReadyJob): boolean =>
  Number.isInteger(priority) && Math.abs(priority) <= MAX_INTEGER && isUuid(id);

/** By turns a score and the ids that have it, separated by commas. */
export function scoresAndIds(jobs: readonly ReadyJob[]): (string | number)[] {
  const idsOf = new Map<number, string[]>();
  for (const { id, priority } of jobs) {
    const ids = idsOf.get(priority);
    if (ids) ids.push(id);
    else idsOf.set(priority, [id]);
  }
  return [...idsOf].flatMap(([priority, ids]) => [-priority, ids.join(',')]);
}
