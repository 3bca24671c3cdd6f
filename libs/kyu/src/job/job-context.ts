import type { EntityManager } from 'typeorm';

/** What a handler can know about the job it runs. */
export interface JobRunInfo {
  id: string;
  type: string;
  queue: string;
  /** 1 for the first try, 2 for the first retry. */
  attempt: number;
  maxRetries: number;
  priority: number;
  createdAt: Date;
  scheduledAt: Date;
  /** Milliseconds that this run may take. */
  timeoutMs: number;
  /** The worker process (`host:pid:random`). */
  worker: string;
  /** The fencing token of this run. */
  token: number;
  /**
   * Aborts when the run should end. `signal.reason` says why, as an error with a `code`:
   *
   * - `JobTimeoutError`, `KYU_JOB_TIMEOUT`: the job ran longer than its timeout;
   * - `JobCancelledError`, `KYU_JOB_CANCELLED`: `cancelJob()` was called for it;
   * - `WorkerStoppingError`, `KYU_WORKER_STOPPING`: the process stops and the job was given back;
   * - `LeaseExpiredError`, `KYU_LEASE_EXPIRED`: the process has lost touch with PostgreSQL, and another worker may run the job.
   *
   * Any number of listeners may wait on it.
   */
  readonly signal: AbortSignal;
  /** Only for a handler with `transactional: true`: what it writes by this is committed with the end of the job. As a parameter: `@JobManager()`. */
  readonly manager?: EntityManager;
}

/** Why a run was aborted, for code that must not make an `AbortSignal` for each job in order to ask. */
export const ABORT_REASON = Symbol('kyu:abort-reason');

/** Why the run was aborted; undefined while it was not. */
export const abortReasonOf = (job: JobRunInfo): Error | undefined =>
  (job as { [ABORT_REASON]?: Error })[ABORT_REASON];
