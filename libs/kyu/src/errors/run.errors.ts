import { brand } from './brand.js';
import { KyuError } from './kyu.errors.js';

/**
 * The reason of a handler's abort signal, and the recorded error, when a job ran longer than its timeout.
 *
 * @publicApi
 */
export class JobTimeoutError extends KyuError {
  constructor(readonly timeoutMs: number) {
    super(
      'KYU_JOB_TIMEOUT',
      `The job ran longer than its timeout of ${timeoutMs} ms. ` +
        'Give it a longer timeout, or end the work when context.signal aborts.',
    );
  }
}

/**
 * The reason of a handler's abort signal when its job was cancelled.
 *
 * @publicApi
 */
export class JobCancelledError extends KyuError {
  constructor() {
    super('KYU_JOB_CANCELLED', 'The job was cancelled while it ran.');
  }
}

/**
 * The reason of a handler's abort signal when this process can no longer be sure to own the job: others may run it again soon.
 *
 * @publicApi
 */
export class LeaseExpiredError extends KyuError {
  constructor(silenceMs: number) {
    super(
      'KYU_LEASE_EXPIRED',
      `This worker could not reach PostgreSQL for ${Math.round(silenceMs)} ms; its jobs may be given to others.`,
    );
  }
}

/**
 * The reason of a handler's abort signal when the process stops and cannot wait any longer; the job was given back.
 *
 * @publicApi
 */
export class WorkerStoppingError extends KyuError {
  constructor() {
    super(
      'KYU_WORKER_STOPPING',
      'The process is stopping; the job was given back and will run again elsewhere.',
    );
  }
}

/**
 * Throw it from a handler when a retry cannot help: the job is dead at once, whatever retries it has left.
 *
 * @publicApi
 */
export class UnrecoverableJobError extends KyuError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('KYU_UNRECOVERABLE_JOB', message, options);
  }
}

// Each error above, by the name that its class has in every copy of this package.
for (const [name, type] of Object.entries({
  JobTimeoutError,
  JobCancelledError,
  LeaseExpiredError,
  WorkerStoppingError,
  UnrecoverableJobError,
}))
  brand(type, name);
