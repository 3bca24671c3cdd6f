/** A job that enqueues itself would be drained for ever. */
export const MAX_RUNS = 10_000;

/** There seems to be no end of jobs; it is the test that is told, and no handler. */
export class EndlessJobsError extends Error {
  override readonly name = 'EndlessJobsError';

  /** @param done `drain() has run 10000 jobs` */
  constructor(done: string) {
    super(
      `${done}, and there are more: does a job enqueue itself again? ` +
        'Drain up to a time, by { withScheduled: date }, or run its handler by perform().',
    );
  }
}
