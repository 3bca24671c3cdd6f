import type { Job } from '@kyu/nestjs';
import {
  MIGRATION_NAMES,
  type HealthReader,
  type JobReader,
  type MaintenanceStore,
  type WorkerStore,
} from '@kyu/nestjs/testing-internals';
import { toJob, type MemoryTable } from './memory-table.js';

type Methods<T> = Pick<T, keyof T>;

/** Is responsible for looking at the jobs in memory. */
export class MemoryJobReader implements Methods<JobReader> {
  constructor(private readonly table: MemoryTable) {}

  async find(queue: string, id: string): Promise<Job | undefined> {
    const row = this.table.find(id);
    return row?.queue === queue ? toJob(row) : undefined;
  }

  async findDead(
    _queue: string,
    limit: number,
    before: string | undefined,
  ): Promise<Job[]> {
    return this.table
      .all()
      .filter(({ status }) => status === 'dead')
      .filter(({ id }) => before === undefined || id < before)
      .sort((a, b) => (a.id < b.id ? 1 : -1))
      .slice(0, limit)
      .map(toJob);
  }

  async countWaiting(): Promise<number> {
    return this.pending().length;
  }

  async findUnhandled(
    _queue: string,
    ids: readonly string[],
    jobTypes: readonly string[],
  ): Promise<{ id: string; jobType: string }[]> {
    return this.pending()
      .filter(({ id }) => ids.includes(id))
      .filter(({ jobType }) => !jobTypes.includes(jobType));
  }

  async countUnknown(): Promise<number> {
    return 0; // the ready queue in memory holds ids of the table only
  }

  async findUnhandledWaiting(
    _queue: string,
    jobTypes: readonly string[],
  ): Promise<{ id: string; jobType: string }[]> {
    return this.pending().filter(({ jobType }) => !jobTypes.includes(jobType));
  }

  private pending(): { id: string; jobType: string }[] {
    return this.table
      .all()
      .filter(({ status }) => status === 'pending')
      .map(({ id, jobType }) => ({ id, jobType }));
  }
}

/** Is responsible for promoting what has come due by the table's clock. Nothing else needs to be maintained: no worker is lost, and no row grows old. */
export class MemoryMaintenanceStore implements Methods<MaintenanceStore> {
  constructor(private readonly table: MemoryTable) {}

  async promoteDue(): Promise<{
    promoted: { id: string; priority: number }[];
    nextDueInMs: undefined;
  }> {
    const promoted = this.table
      .promoteDue()
      .map(({ id, priority }) => ({ id, priority }));
    return { promoted, nextDueInMs: undefined };
  }

  async bestWaiting(): Promise<[]> {
    return [];
  }

  async bestWaitingBehind(): Promise<[]> {
    return [];
  }

  async rescueStale(): Promise<[]> {
    return [];
  }

  async pruneFinished(): Promise<number> {
    return 0;
  }
}

/** Nobody asks whether a worker in memory is alive. */
export class MemoryWorkerStore implements Methods<WorkerStore> {
  async heartbeat(): Promise<void> {
    // there is no registry
  }

  keepBeating(): ReturnType<WorkerStore['keepBeating']> {
    const beat = {
      lost: false,
      silenceMs: 0,
      takeLongestSilenceMs: () => 0,
      stillAlive: () => undefined,
      update: () => undefined,
      stop: async () => undefined,
    };
    return beat as unknown as ReturnType<WorkerStore['keepBeating']>;
  }

  update(): void {
    // as above
  }

  async remove(): Promise<void> {
    // as above
  }

  async removeLost(): Promise<string[]> {
    return [];
  }
}

/** A test of a health endpoint finds what it should find: all is well, unless the test says that PostgreSQL is down. */
export class MemoryHealthReader implements Methods<HealthReader> {
  constructor(private readonly table: MemoryTable) {}

  async look(): ReturnType<HealthReader['look']> {
    const { now } = this.table;
    const [oldest] = this.table
      .all()
      .filter(({ status }) => status === 'pending')
      .sort((a, b) => a.scheduledAt - b.scheduledAt)
      .map(({ id, jobType, scheduledAt }) => ({
        id,
        jobType,
        dueMs: now - scheduledAt,
      }));
    return {
      workersAlive: 1,
      overdue: undefined,
      oldest,
      unhandled: undefined,
      schemaVersion: MIGRATION_NAMES.at(-1),
      missingMigrations: [],
    };
  }

  async isClaimable(): Promise<boolean> {
    return false;
  }
}
