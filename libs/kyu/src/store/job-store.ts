import { Injectable } from '@nestjs/common';
import type { NewJob } from '../job/new-job.js';
import { claimTimeOf, toClaimedJob, type ClaimedJob } from './claimed-job.js';
import { Database } from './database.js';
import {
  CANCEL_IF_UNFINISHED,
  CLAIM_POPPED,
  CLAIM_POPPED_UNHELD,
  CLAIM_WAITING,
  FIND_CANCEL_REQUESTED,
  INSERT_CLAIMED,
  INSERT_JOBS,
  MARK_STARTED,
  MAY_START,
  RELEASE_IF_OWNED,
  RELEASE_STRAYS,
} from './job.sql.js';
import {
  enqueuedJobs,
  expectStored,
  serverTimeOf,
  type EnqueuedJob,
} from './enqueued-job.js';
import { plainArray, unlessNull } from './plain-array.js';
import {
  endsOf,
  settleValues,
  type Run,
  type SettledStatus,
  type Settlement,
} from './settlement.js';
import {
  EXPLAIN_UNSETTLED,
  SETTLE_IF_OWNED,
  SETTLE_UNHELD,
} from './settle.sql.js';

export type { ClaimedJob } from './claimed-job.js';

/** Who claims, from where, and what it can run. */
export interface Claimant {
  worker: string;
  queue: string;
  jobTypes: readonly string[];
}

/** Where a job is that was given back: waiting, or at its end because its cancel had been asked for. */
export type ReleasedStatus = 'pending' | 'cancelled';

export interface ReleasedJob {
  id: string;
  jobType: string;
  priority: number;
  status: ReleasedStatus;
}

/** Is responsible for a job's way through the table: each method is one guarded statement, and says what it changed. */
@Injectable()
export class JobStore {
  /**
   * How long outcomes may gather before they are settled, in ms. No slot waits for a settle. Measured with handlers that wait 5 ms: a fifth less work for
   * Postgres, a seventh less for Node. Not longer: a crash runs again what was not settled.
   */
  readonly settleGatherMs: number = 4;

  constructor(private readonly database: Database) {}

  /** All or none. The resolved promise is the acknowledgement: the rows are committed. */
  async enqueue(
    queue: string,
    jobs: readonly NewJob[],
  ): Promise<EnqueuedJob[]> {
    const sentAt = performance.now();
    const rows = await this.database.run(INSERT_JOBS, [
      queue,
      plainArray(jobs, ({ id }) => id),
      jobs.map(({ jobType }) => jobType),
      // The driver would look for quotes and backslashes in each, and find many.
      jobs.map(({ payloadJson }) => payloadJson).join('\n'),
      plainArray(jobs, ({ priority }) => priority),
      plainArray(jobs, ({ maxRetries }) => maxRetries),
      plainArray(jobs, ({ timeoutMs }) => timeoutMs),
      unlessNull(jobs.map(({ scheduledAt }) => scheduledAt)),
      unlessNull(jobs.map(({ contextJson }) => contextJson ?? null)),
    ]);
    this.database.clock.observe(serverTimeOf(rows), sentAt);
    return enqueuedJobs(jobs, rows);
  }

  /** Stores a job that is due, as the worker's own. */
  async enqueueClaimed(
    queue: string,
    worker: string,
    job: NewJob,
  ): Promise<ClaimedJob> {
    const contextJson = job.contextJson ?? null;
    const claimedAt = performance.now();
    const rows = await this.database.run(INSERT_CLAIMED, [
      queue,
      job.id,
      job.jobType,
      job.payloadJson,
      job.priority,
      job.maxRetries,
      job.timeoutMs,
      contextJson,
      worker,
    ]);
    expectStored(1, rows);
    this.database.clock.observe(rows[0]!.created_at, claimedAt);
    const createdAt = new Date(rows[0]!.created_at);
    return {
      ...job,
      contextJson,
      createdAt,
      scheduledAt: createdAt,
      claimedAt,
      retryCount: 0,
      crashCount: 0,
      token: 1,
      waitedMs: 0,
    };
  }

  /** The popped jobs that are now ours, in the order in which they were popped. */
  async claimPopped(
    { worker, queue, jobTypes }: Claimant,
    ids: readonly string[],
  ): Promise<ClaimedJob[]> {
    const sentAt = performance.now();
    const rows = await this.database.runPassingOverHeld(
      CLAIM_POPPED,
      CLAIM_POPPED_UNHELD,
      [worker, queue, jobTypes, plainArray(ids)],
    );
    this.database.clock.observe(claimTimeOf(rows), sentAt);
    const claimed = new Map(rows.map((row) => [row.id, row]));
    // A Set: an id that was staged twice may have been popped twice.
    return [...new Set(ids)].flatMap((id) => {
      const row = claimed.get(id);
      return row ? [toClaimedJob(row, sentAt)] : [];
    });
  }

  /** The best waiting jobs, at most `limit`, straight from Postgres, best first. */
  async claimWaiting(
    { worker, queue, jobTypes }: Claimant,
    limit: number,
  ): Promise<ClaimedJob[]> {
    const sentAt = performance.now();
    const rows = await this.database.run(CLAIM_WAITING, [
      worker,
      queue,
      jobTypes,
      limit,
    ]);
    this.database.clock.observe(claimTimeOf(rows), sentAt);
    return rows
      .map((row) => toClaimedJob(row, sentAt))
      .sort((a, b) => b.priority - a.priority || (a.id < b.id ? -1 : 1));
  }

  /** How the jobs ended whose run was still ours, and whose row nobody held at this moment. */
  async settleIfOwned(
    worker: string,
    settlements: readonly Settlement[],
  ): Promise<Map<string, SettledStatus>> {
    const rows = await this.database.runPassingOverHeld(
      SETTLE_IF_OWNED,
      SETTLE_UNHELD,
      settleValues(worker, settlements),
    );
    return endsOf(settlements, rows);
  }

  /** Why runs were not settled: `held` by somebody for now, settled by an earlier try whose answer was lost, or `fenced`. */
  async explainUnsettled(
    worker: string,
    runs: readonly Run[],
  ): Promise<Map<string, SettledStatus | 'held' | 'fenced'>> {
    const rows = await this.database.run(EXPLAIN_UNSETTLED, [
      plainArray(runs, ({ id }) => id),
      plainArray(runs, ({ token }) => token),
      worker,
    ]);
    return new Map(
      rows.map(({ id, owned, settled_as: settledAs }) => [
        id,
        owned ? 'held' : ((settledAs as SettledStatus | null) ?? 'fenced'),
      ]),
    );
  }

  /** Gives back running jobs, unfinished; how they wait now, or that they ended cancelled, for those that were still ours. */
  async releaseIfOwned(
    worker: string,
    runs: readonly Run[],
  ): Promise<Map<string, ReleasedStatus>> {
    const rows = await this.database.run(RELEASE_IF_OWNED, [
      plainArray(runs, ({ id }) => id),
      plainArray(runs, ({ token }) => token),
      worker,
    ]);
    return new Map(
      rows.map(({ id, status }) => [id, status as ReleasedStatus]),
    );
  }

  /** Gives back what the worker owns without knowing it; returns those jobs. */
  async releaseStrays(
    worker: string,
    known: readonly string[],
  ): Promise<ReleasedJob[]> {
    const rows = await this.database.run(RELEASE_STRAYS, [worker, known]);
    return rows.map(({ job_type: jobType, status, ...row }) => ({
      ...row,
      jobType,
      status: status as ReleasedStatus,
    }));
  }

  /** The ids of the jobs that are still ours and not to be cancelled. */
  async mayStart(worker: string, runs: readonly Run[]): Promise<Set<string>> {
    const rows = await this.database.run(MAY_START, [
      plainArray(runs, ({ id }) => id),
      plainArray(runs, ({ token }) => token),
      worker,
    ]);
    return new Set(rows.map(({ id }) => id));
  }

  /** Notes that the handler of a job which has lost a worker before begins; false when the job is ours no more. */
  async markStarted(worker: string, { id, token }: Run): Promise<boolean> {
    const rows = await this.database.run(MARK_STARTED, [id, token, worker]);
    return rows.length > 0;
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
  async findCancelRequested(worker: string): Promise<Run[]> {
    const rows = await this.database.run(FIND_CANCEL_REQUESTED, [worker]);
    return rows.map(({ id, claim_token: token }) => ({ id, token }));
  }
}
