import { Injectable } from '@nestjs/common';
import type { NewJob } from '../job/new-job.js';
import { Database } from './database.js';
import {
  CANCEL_IF_UNFINISHED,
  CLAIM_POPPED,
  CLAIM_WAITING,
  FIND_CANCEL_REQUESTED,
  INSERT_JOBS,
  RELEASE_IF_OWNED,
  SETTLE_IF_OWNED,
  type ClaimedRow,
} from './job.sql.js';

/** A job that was stored. */
export interface EnqueuedJob {
  id: string;
  jobType: string;
  priority: number;
  status: 'scheduled' | 'pending';
  /** Milliseconds until it is due; not above 0 when it is due now. */
  dueInMs: number;
}

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
}

/** Who claims, from where, and what it can run. */
export interface Claimant {
  worker: string;
  queue: string;
  jobTypes: readonly string[];
}

/** How a run ended. */
export type Outcome =
  | { status: 'completed'; resultJson: string | null }
  | { status: 'failed'; retryInMs: number; error: string; stack?: string }
  | { status: 'dead'; error: string; stack?: string };

/** How a settle left the job: as its run ended, or cancelled because that was asked for meanwhile. */
export type SettledStatus = Outcome['status'] | 'cancelled';

export interface Settlement {
  id: string;
  token: number;
  outcome: Outcome;
}

/** Is responsible for a job's way through the table: each method is one guarded statement, and says what it changed. */
@Injectable()
export class JobStore {
  constructor(private readonly database: Database) {}

  /** All or none. The resolved promise is the acknowledgement: the rows are committed. */
  async enqueue(
    queue: string,
    jobs: readonly NewJob[],
  ): Promise<EnqueuedJob[]> {
    const rows = await this.database.run(INSERT_JOBS, [
      queue,
      jobs.map(({ id }) => id),
      jobs.map(({ jobType }) => jobType),
      jobs.map(({ payloadJson }) => payloadJson),
      jobs.map(({ priority }) => priority),
      jobs.map(({ maxRetries }) => maxRetries),
      jobs.map(({ timeoutMs }) => timeoutMs),
      jobs.map(({ scheduledAt }) => scheduledAt),
    ]);
    const stored = new Map(rows.map((row) => [row.id, row]));
    return jobs.map(({ id, jobType, priority }) => {
      const { status, due_in_ms: dueInMs } = stored.get(id)!;
      return { id, jobType, priority, status, dueInMs };
    });
  }

  /** The popped jobs that are now ours, in the order in which they were popped. */
  async claimPopped(
    { worker, queue, jobTypes }: Claimant,
    ids: readonly string[],
  ): Promise<ClaimedJob[]> {
    const rows = await this.database.run(CLAIM_POPPED, [
      worker,
      queue,
      jobTypes,
      ids,
    ]);
    const claimed = new Map(rows.map((row) => [row.id, row]));
    // A Set: an id that was staged twice may have been popped twice.
    return [...new Set(ids)].flatMap((id) => {
      const row = claimed.get(id);
      return row ? [toClaimedJob(row)] : [];
    });
  }

  /** The best waiting jobs, at most `limit`, straight from Postgres, best first. */
  async claimWaiting(
    { worker, queue, jobTypes }: Claimant,
    limit: number,
  ): Promise<ClaimedJob[]> {
    const rows = await this.database.run(CLAIM_WAITING, [
      worker,
      queue,
      jobTypes,
      limit,
    ]);
    return rows
      .map(toClaimedJob)
      .sort((a, b) => b.priority - a.priority || (a.id < b.id ? -1 : 1));
  }

  /** How the jobs ended whose run was still ours. One that is missing was fenced: its outcome is not stored. */
  async settleIfOwned(
    settlements: readonly Settlement[],
  ): Promise<Map<string, SettledStatus>> {
    const outcomes = settlements.map(({ outcome }) => outcome);
    const rows = await this.database.run(SETTLE_IF_OWNED, [
      settlements.map(({ id }) => id),
      settlements.map(({ token }) => token),
      outcomes.map(({ status }) => status),
      outcomes.map((run) => (run.status === 'failed' ? run.retryInMs : null)),
      outcomes.map((run) => (run.status === 'completed' ? null : run.error)),
      outcomes.map((run) =>
        run.status === 'completed' ? null : (run.stack ?? null),
      ),
      outcomes.map((run) =>
        run.status === 'completed' ? run.resultJson : null,
      ),
    ]);
    return new Map(rows.map(({ id, status }) => [id, status as SettledStatus]));
  }

  /** Gives back running jobs, unfinished; returns the ids that were still ours. */
  async releaseIfOwned(
    runs: readonly { id: string; token: number }[],
  ): Promise<Set<string>> {
    const rows = await this.database.run(RELEASE_IF_OWNED, [
      runs.map(({ id }) => id),
      runs.map(({ token }) => token),
    ]);
    return new Set(rows.map(({ id }) => id));
  }

  /** Cancels a waiting job, marks a running one; undefined when it was neither. */
  async cancelIfUnfinished(
    queue: string,
    id: string,
  ): Promise<{ jobType: string; running: boolean } | undefined> {
    const [row] = await this.database.run(CANCEL_IF_UNFINISHED, [id, queue]);
    return row && { jobType: row.job_type, running: row.status === 'running' };
  }

  /** The runs of this worker whose cancel was asked for. */
  async findCancelRequested(
    worker: string,
  ): Promise<{ id: string; token: number }[]> {
    const rows = await this.database.run(FIND_CANCEL_REQUESTED, [worker]);
    return rows.map(({ id, claim_token: token }) => ({ id, token }));
  }
}

const toClaimedJob = (row: ClaimedRow): ClaimedJob => ({
  id: row.id,
  jobType: row.job_type,
  payloadJson: row.payload,
  priority: row.priority,
  maxRetries: row.max_retries,
  retryCount: row.retry_count,
  crashCount: row.crash_count,
  timeoutMs: row.timeout_ms,
  token: row.claim_token,
  createdAt: row.created_at,
  scheduledAt: row.scheduled_at,
  waitedMs: Math.max(0, row.waited_ms),
});
