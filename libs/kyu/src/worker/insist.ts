import { setTimeout as sleep } from 'node:timers/promises';
import { jobsOf, type KyuLog } from '../runtime/kyu-log.js';
import type { JobRun } from './job-run.js';

/** Between tries while Postgres does not answer: doubled from the first to the last, with jitter. */
const RETRY_MS = { first: 100, last: 2_000 };

/**
 * Tries until Postgres answers; undefined when the job was given back meanwhile, so that nothing is left to store.
 *
 * @param failure of a first try that has been made
 */
export async function insist<T>(
  run: JobRun,
  logger: KyuLog,
  work: () => Promise<T>,
  failure?: unknown,
): Promise<T | undefined> {
  let delay = RETRY_MS.first;
  for (let failed = failure; ;) {
    if (failed !== undefined) {
      const { id, jobType } = run.job;
      logger.failed(
        'warn',
        jobsOf(jobType),
        failed,
        () => `A statement for job ${id} (${jobType}) failed, trying again`,
      );
      await sleep(delay * (0.5 + Math.random() / 2));
      delay = Math.min(delay * 2, RETRY_MS.last);
    }
    if (run.released) return undefined;
    try {
      return await work();
    } catch (error) {
      failed = error;
    }
  }
}
