import { Injectable } from '@nestjs/common';
import type { DataSource, EntityManager } from 'typeorm';
import { InvalidJobError } from '../errors/kyu.errors.js';
import type { NewJob } from '../job/new-job.js';
import { dataSourceOf } from './data-source-of.js';
import { Database } from './database.js';
import { enqueuedJobs, type EnqueuedJob } from './enqueued-job.js';
import type { InsertedRow } from './job.sql.js';
import { asNotCommitted } from './postgres-errors.js';
import {
  FIND_WAITING,
  INSERT_JOBS_FROM_JSON,
  LOCATE_TABLE,
} from './transactional.sql.js';

/** Is responsible for storing jobs in transactions of others. */
@Injectable()
export class TransactionalStore {
  /** Data sources beside Kyu's own that were found to lead to the same table. */
  private readonly sameTable = new WeakSet<DataSource>();

  constructor(private readonly database: Database) {}

  /** Stores jobs by the manager's connection. They exist when its transaction commits. @throws {InvalidJobError | PostgresUnavailableError} */
  async enqueueBy(
    manager: EntityManager,
    queue: string,
    jobs: readonly NewJob[],
  ): Promise<EnqueuedJob[]> {
    await this.expectSameTable(manager);
    const rows = await this.enqueueThrough(
      (text, values) => manager.query<InsertedRow[]>(text, values),
      queue,
      jobs,
    );
    return enqueuedJobs(jobs, rows);
  }

  /** Stores jobs by any client; resolves to whatever that answers. */
  async enqueueThrough<Answer>(
    send: (text: string, values: string[]) => Promise<Answer>,
    queue: string,
    jobs: readonly NewJob[],
  ): Promise<Answer> {
    const rows = jobs.map((job) => ({
      id: job.id,
      job_type: job.jobType,
      payload: job.payloadJson,
      priority: job.priority,
      max_retries: job.maxRetries,
      timeout_ms: job.timeoutMs,
      at_ms: job.scheduledAt?.getTime() ?? null,
      context: job.contextJson ?? null,
    }));
    const text = this.database.textOf(INSERT_JOBS_FROM_JSON);
    try {
      return await send(text, [queue, JSON.stringify(rows)]);
    } catch (error) {
      throw asNotCommitted(error);
    }
  }

  /** Those of the jobs that are committed and wait. */
  async findWaiting(
    queue: string,
    ids: readonly string[],
  ): Promise<EnqueuedJob[]> {
    const rows = await this.database.run(FIND_WAITING, [ids, queue]);
    return rows.map(({ job_type: jobType, due_in_ms: dueInMs, ...row }) => ({
      ...row,
      jobType,
      dueInMs,
    }));
  }

  /** Asked once for each data source: a job in another database would be stored, and never run. */
  private async expectSameTable(manager: EntityManager): Promise<void> {
    const dataSource = dataSourceOf(manager);
    if (!dataSource || dataSource === this.database.dataSource) return;
    if (this.sameTable.has(dataSource)) return;
    const [[own], [other]] = await Promise.all([
      this.database.run(LOCATE_TABLE, []),
      manager.query<{ place: string; has_table: boolean }[]>(
        this.database.textOf(LOCATE_TABLE),
      ),
    ]);
    if (!other?.has_table || other.place !== own!.place)
      throw new InvalidJobError(
        "The manager is of another database than Kyu's tables, so the job cannot be part of its transaction. Pass a manager of the database " +
          'that postgres.url or postgres.dataSource leads to, or enqueue without one. Nothing was stored.',
      );
    this.sameTable.add(dataSource);
  }
}
