import { Injectable } from '@nestjs/common';
import type { AttemptRecord } from '../job/attempt-record.js';
import { Job } from '../job/job.entity.js';
import type { JobStatus } from '../job/job-transitions.js';
import { Database } from './database.js';
import {
  COUNT_UNKNOWN,
  COUNT_WAITING,
  FIND_DEAD,
  FIND_JOB,
  FIND_UNHANDLED,
  FIND_UNHANDLED_WAITING,
  type JobRow,
} from './job-reader.sql.js';

/** Is responsible for looking at jobs without touching them. */
@Injectable()
export class JobReader {
  constructor(private readonly database: Database) {}

  async find(queue: string, id: string): Promise<Job | undefined> {
    const [row] = await this.database.run(FIND_JOB, [id, queue]);
    return row && toJob(row);
  }

  /** Dead jobs, the newest first, at most `limit`, older than the job `before` if it is given. */
  async findDead(
    queue: string,
    limit: number,
    before: string | undefined,
  ): Promise<Job[]> {
    const rows = await this.database.run(FIND_DEAD, [
      queue,
      limit,
      before ?? null,
    ]);
    return rows.map(toJob);
  }

  async countWaiting(queue: string): Promise<number> {
    const [row] = await this.database.run(COUNT_WAITING, [queue]);
    return row!.waiting;
  }

  /** Those of the ids that wait for a handler of a type which is not among `jobTypes`. */
  async findUnhandled(
    queue: string,
    ids: readonly string[],
    jobTypes: readonly string[],
  ): Promise<{ id: string; jobType: string }[]> {
    const rows = await this.database.run(FIND_UNHANDLED, [
      queue,
      ids,
      jobTypes,
    ]);
    return rows.map(({ id, job_type: jobType }) => ({ id, jobType }));
  }

  /** How many of the ids are of no job at all. */
  async countUnknown(ids: readonly string[]): Promise<number> {
    const [row] = await this.database.run(COUNT_UNKNOWN, [ids]);
    return row!.unknown;
  }

  /** Some of the jobs that wait for a handler of a type which is not among `jobTypes`. */
  async findUnhandledWaiting(
    queue: string,
    jobTypes: readonly string[],
  ): Promise<{ id: string; jobType: string }[]> {
    const rows = await this.database.run(FIND_UNHANDLED_WAITING, [
      queue,
      jobTypes,
    ]);
    return rows.map(({ id, job_type: jobType }) => ({ id, jobType }));
  }
}

const toJob = (row: JobRow): Job =>
  Object.assign(new Job(), {
    id: row.id,
    queue: row.queue,
    jobType: row.job_type,
    payload: JSON.parse(row.payload) as unknown,
    status: row.status as JobStatus,
    priority: row.priority,
    scheduledAt: new Date(row.scheduled_at),
    maxRetries: row.max_retries,
    retryCount: row.retry_count,
    errorMessage: row.error_message,
    lockedBy: row.locked_by,
    lockedAt: row.locked_at === null ? null : new Date(row.locked_at),
    completedAt: row.completed_at === null ? null : new Date(row.completed_at),
    timeoutMs: row.timeout_ms,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
    claimToken: row.claim_token,
    crashCount: row.crash_count,
    history: JSON.parse(row.history) as AttemptRecord[],
    result: row.result === null ? null : (JSON.parse(row.result) as unknown),
    context: row.context === null ? null : (JSON.parse(row.context) as unknown),
  });
