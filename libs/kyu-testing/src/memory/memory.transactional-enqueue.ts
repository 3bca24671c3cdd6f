import type { EnqueueTransaction } from '@kyu/nestjs';
import {
  AfterCommit,
  dataSourceOf,
  throughWhat,
  type EnqueuedJob,
  type KyuConfig,
  type NewJob,
  type Through,
  type TransactionalEnqueue,
} from '@kyu/nestjs/testing-internals';
import { enqueued, type MemoryJobStore } from './memory.job-store.js';
import type { MemoryTable } from './memory-table.js';

/**
 * Is responsible for jobs that are enqueued in a transaction of the test's own database, or of what stands for it. TypeORM tells of a real one's commit, of
 * whatever database: the jobs are there from then on. Of a stand-in, and of any other client, nobody tells: its jobs are there at once, and it is not called.
 */
export class MemoryTransactionalEnqueue implements Pick<
  TransactionalEnqueue,
  keyof TransactionalEnqueue
> {
  constructor(
    private readonly config: KyuConfig,
    private readonly table: MemoryTable,
    private readonly store: MemoryJobStore,
  ) {}

  through(transaction: EnqueueTransaction): Through | undefined {
    return throughWhat(transaction, this.config.transaction, () => undefined);
  }

  async findWaiting(ids: readonly string[]): Promise<EnqueuedJob[]> {
    const { now } = this.table;
    return this.table
      .all()
      .filter(({ id }) => ids.includes(id))
      .filter(({ status }) => status === 'pending' || status === 'scheduled')
      .map((row) => enqueued(row, now));
  }

  async enqueue(
    through: Through,
    jobs: readonly NewJob[],
    onCommit: (stored: readonly EnqueuedJob[]) => void,
  ): Promise<boolean> {
    this.table.expectUp(); // a hook would be too late to say so
    const store = (): void =>
      onCommit(this.store.insert(this.config.queueName, jobs));
    const manager = 'manager' in through ? through.manager : undefined;
    const queryRunner = manager?.queryRunner;
    const dataSource = manager && dataSourceOf(manager);
    if (dataSource?.subscribers && queryRunner?.isTransactionActive)
      AfterCommit.of(dataSource).defer(queryRunner, store);
    else store();
    return true;
  }
}
