import { UnrecoverableJobError } from '../errors/run.errors.js';
import type { RetryWait } from '../job/job-backoff.js';
import { describeError } from '../runtime/describe-error.js';
import type { ClaimedJob } from '../store/job-store.js';
import type { Outcome } from '../store/settlement.js';

/** What a failed run means for its job: a retry after the backoff, or its end. Pure. */
export function decideFailure(
  job: Pick<ClaimedJob, 'retryCount' | 'maxRetries'>,
  thrown: unknown,
  retryWait: RetryWait,
): Exclude<Outcome, { status: 'completed' }> {
  const { message: error, stack } = describeError(thrown);
  const details = { error, ...(stack !== undefined && { stack }) };
  if (isUnrecoverable(thrown) || job.retryCount >= job.maxRetries)
    return { status: 'dead', ...details };
  return {
    status: 'failed',
    retryInMs: retryWait(job.retryCount + 1, thrown),
    ...details,
  };
}

/** A Proxy may throw when it is asked what it is. */
function isUnrecoverable(thrown: unknown): boolean {
  try {
    return thrown instanceof UnrecoverableJobError;
  } catch {
    return false;
  }
}
