import { Injectable } from '@nestjs/common';
import type { DataSource, EntityManager } from 'typeorm';
import { InvalidJobError } from '../errors/kyu.errors.js';
import type { NewJob } from '../job/new-job.js';
import { dataSourceOf } from './data-source-of.js';
import { Database } from './database.js';
import {
  enqueuedJobs,
  serverTimeOf,
  type EnqueuedJob,
} from './enqueued-job.js';
import type { InsertedRow } from './job.sql.js';
import { asLostClient, asNotSent, asRolledBack } from './postgres-errors.js';
import {
  FIND_WAITING,
  INSERT_JOBS_FROM_JSON,
  IS_IN_NO_TRANSACTION,
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
    const sentAt = performance.now();
    const rows = await manager
      .query<InsertedRow[]>(this.insertText, insertValues(queue, jobs))
      .catch((error: unknown) => {
        throw asRolledBack(error);
      });
    this.database.clock.observe(serverTimeOf(rows), sentAt);
    return enqueuedJobs(jobs, rows);
  }

  /** Stores jobs by any client, whose transaction is for its owner to know. */
  async enqueueByClient(
    client: TextClient,
    queue: string,
    jobs: readonly NewJob[],
  ): Promise<void> {
    try {
      await client.query(this.insertText, insertValues(queue, jobs));
    } catch (error) {
      throw asLostClient(error);
    }
  }

  /** Whether a transaction is open on the manager's connection, whoever began it. */
  async isInTransaction(manager: EntityManager): Promise<boolean> {
    try {
      const [row] = await manager.query<{ alone: boolean }[]>(
        this.database.textOf(IS_IN_NO_TRANSACTION),
      );
      return !row?.alone;
    } catch (error) {
      throw asNotSent(error);
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

  private get insertText(): string {
    return this.database.textOf(INSERT_JOBS_FROM_JSON);
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
    ]).catch((error: unknown) => {
      throw asNotSent(error);
    });
    if (!other?.has_table || other.place !== own!.place)
      throw new InvalidJobError(
        "The manager is of another database than Kyu's tables, so the job cannot be part of its transaction. Pass a manager of the database " +
          'that postgres.url or postgres.dataSource leads to, or enqueue without one. Nothing was stored.',
      );
    this.sameTable.add(dataSource);
  }
}

/** What a client has to be able to do. */
interface TextClient {
  query(text: string, values: string[]): Promise<unknown>;
}

/** Texts, as no two clients write arrays and times alike. */
const insertValues = (
  queue: string,
  jobs: readonly NewJob[],
): [queue: string, jobs: string] => [
  queue,
  JSON.stringify(
    jobs.map((job) => ({
      id: job.id,
      job_type: job.jobType,
      payload: job.payloadJson,
      priority: job.priority,
      max_retries: job.maxRetries,
      timeout_ms: job.timeoutMs,
      at_ms: job.scheduledAt?.getTime() ?? null,
      context: job.contextJson ?? null,
    })),
  ),
];
