import { AsyncLocalStorage } from 'node:async_hooks';
import type { JobContext } from '../handlers/job-parameters.decorator.js';

const RUNNING = Symbol.for('kyu:current-job');
const shared = globalThis as { [RUNNING]?: AsyncLocalStorage<JobContext> };

/**
 * Holds nothing by itself: what is in it belongs to the async context of one run, so applications in one process do not meet. Of all copies of this
 * package: a logger may ask by another copy than the one whose worker runs the job.
 */
const running = (shared[RUNNING] ??= new AsyncLocalStorage<JobContext>());

/**
 * The job whose handler calls this, from whatever depth; undefined outside of a run, and without `forRoot({ currentJob: true })`. For loggers: a
 * mixin of pino, a format of winston.
 *
 * @publicApi
 */
export const currentJob = (): JobContext | undefined => running.getStore();

/** Calls `work` so that `currentJob()` in it, and in all that it starts, is this one. */
export const asCurrentJob = <T>(job: JobContext, work: () => T): T =>
  running.run(job, work);
