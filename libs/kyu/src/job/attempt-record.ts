/**
 * One run of a job, as its history keeps it.
 *
 * @publicApi
 */
export interface AttemptRecord {
  /** The fencing token of the run: 1 for the first claim. */
  token: number;
  /** The worker that ran it (`host:pid:random`). */
  worker: string;
  /** When it was claimed; ISO 8601, database clock. */
  startedAt: string;
  /** How long it took, in milliseconds. */
  durationMs: number;
  /** `released`: given back by a graceful stop. `crashed`: its worker was lost. */
  outcome:
    'completed' | 'failed' | 'dead' | 'cancelled' | 'released' | 'crashed';
  /** The error of a failed run, at most 8 KiB. */
  error?: string;
  /** Its stack, at most 16 KiB. */
  stack?: string;
}

/** Older runs leave the history: a job with a thousand retries must not become a row of many megabytes. */
export const MAX_HISTORY = 100;
