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
  /** Aborts when the run has timed out or the process can wait for it no longer; `signal.reason` says which. */
  readonly signal: AbortSignal;
  /** Only for a handler with `transactional: true`: what it writes by this is committed with the end of the job. As a parameter: `@JobManager()`. */
  readonly manager?: EntityManager;
}
