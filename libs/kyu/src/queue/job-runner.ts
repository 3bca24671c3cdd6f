/**
 * What one `runOnce()` did.
 *
 * @publicApi
 */
export interface RunCounts {
  /** Runs that were started; the other three add up to it, less those that were given back or fenced. */
  claimed: number;
  completed: number;
  /** Failed, with a retry to come. */
  failed: number;
  /** Failed for good. */
  dead: number;
}

/** What {@link QueueService} needs of the worker, which is built on top of it. */
export abstract class JobRunner {
  abstract runOnce(): Promise<RunCounts>;
}
