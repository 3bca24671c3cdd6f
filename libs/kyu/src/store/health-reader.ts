import { Injectable } from '@nestjs/common';
import { Database } from './database.js';
import { LOOK_AT_HEALTH } from './health.sql.js';
import { MIGRATION_NAMES } from './migrations/create-migrations.js';

/** What Postgres knows of the health of a queue. */
export interface QueueHealth {
  workersAlive: number;
  /** A job that this worker could run has been due for too long. */
  overdue: boolean;
  /** Undefined when nothing waits. */
  oldestWaitingMs: number | undefined;
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
      overdue: row!.overdue,
      oldestWaitingMs: row!.oldest_waiting_ms ?? undefined,
      schemaVersion: migrations.at(-1),
      missingMigrations: MIGRATION_NAMES.filter(
        (name) => !migrations.includes(name),
      ),
    };
  }
}
