import { setTimeout as sleep } from 'node:timers/promises';
import type { JobContext } from '@kyu/nestjs';

/**
 * Stands for the real work of a handler: it takes `ms` and, as every handler that can should, ends when the job's signal aborts
 * (its time is up, or the process has to stop).
 */
export async function work(ms: number, job: JobContext): Promise<void> {
  await sleep(ms, undefined, { signal: job.signal });
}
