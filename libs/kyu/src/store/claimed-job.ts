import { USUAL, type ClaimedRow } from './job.sql.js';

/** A job that this process owns until it settles it with the same token. */
export interface ClaimedJob {
  id: string;
  jobType: string;
  payloadJson: string;
  priority: number;
  maxRetries: number;
  retryCount: number;
  crashCount: number;
  timeoutMs: number;
  token: number;
  createdAt: Date;
  scheduledAt: Date;
  /** Milliseconds from when it was due to the claim. */
  waitedMs: number;
  /** Monotonic ms of this process, from before the claim was sent: the job is ours at least since the claim. */
  claimedAt: number;
  /** What travels with it. */
  contextJson: string | null;
}

/** A claim tells when a job was due and how long it has waited: together that is the time of the server. */
export const claimTimeOf = ([row]: readonly ClaimedRow[]): number | undefined =>
  row && (row.scheduled_at ?? row.created_at) + row.waited_ms;

/** @param claimedAt `performance.now()` from before the claim was sent. */
export const toClaimedJob = (
  row: ClaimedRow,
  claimedAt: number,
): ClaimedJob => {
  const createdAt = new Date(row.created_at);
  return {
    claimedAt,
    id: row.id,
    jobType: row.job_type,
    payloadJson: row.payload,
    priority: row.priority ?? USUAL.priority,
    maxRetries: row.max_retries ?? USUAL.max_retries,
    retryCount: row.retry_count ?? USUAL.retry_count,
    crashCount: row.crash_count ?? USUAL.crash_count,
    timeoutMs: row.timeout_ms ?? USUAL.timeout_ms,
    token: row.claim_token ?? USUAL.claim_token,
    createdAt,
    scheduledAt:
      row.scheduled_at === null ? createdAt : new Date(row.scheduled_at),
    waitedMs: Math.max(0, row.waited_ms),
    contextJson: row.context,
  };
};
