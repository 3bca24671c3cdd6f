import { Injectable } from '@nestjs/common';
import { Database } from './database.js';
import { FIND_CLAIMABLE, LOOK_AT_HEALTH, type DueJob } from './health.sql.js';
import { MIGRATION_NAMES } from './migrations/create-migrations.js';

/** What Postgres knows of the health of a queue. */
export interface QueueHealth {
  workersAlive: number;
  /** A job that this worker could run has been due for too long. */
  overdue: DueJob | undefined;
  /** The waiting job that has been due for longest; undefined when none waits. */
  oldest: DueJob | undefined;
  /** The same, of the jobs that are overdue and whose type no live worker has a handler for. */
  unhandled: DueJob | undefined;
  /** The newest migration of the tables. */
  schemaVersion: string | undefined;
  /** Migrations that this version of Kyu needs and the tables lack. */
  missingMigrations: string[];
}

/** Is responsible for the look that a health check takes at Postgres. */
@Injectable()
export class HealthReader {
  constructor(private readonly database: Database) {}

  async look(
    queue: string,
    options: {
      heartbeatTimeoutMs: number;
      jobTypes: readonly string[];
      overdueMs: number;
    },
  ): Promise<QueueHealth> {
    const [row] = await this.database.run(LOOK_AT_HEALTH, [
      queue,
      options.heartbeatTimeoutMs,
      options.jobTypes,
      options.overdueMs,
    ]);
    const migrations = JSON.parse(row!.migrations) as string[];
    return {
      workersAlive: row!.workers_alive,
      overdue: dueJob(row!.overdue),
      oldest: dueJob(row!.oldest),
      unhandled: dueJob(row!.unhandled),
      schemaVersion: migrations.at(-1),
      missingMigrations: MIGRATION_NAMES.filter(
        (name) => !migrations.includes(name),
      ),
    };
  }

  /** Whether a job that this worker could run is overdue, and no other session holds its row. */
  async isClaimable(
    queue: string,
    options: { jobTypes: readonly string[]; overdueMs: number },
  ): Promise<boolean> {
    const rows = await this.database.run(FIND_CLAIMABLE, [
      queue,
      options.jobTypes,
      options.overdueMs,
    ]);
    return rows.length > 0;
  }
}

const dueJob = (json: string | null): DueJob | undefined =>
  json === null ? undefined : (JSON.parse(json) as DueJob);
