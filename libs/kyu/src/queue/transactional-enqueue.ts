import { Inject, Injectable } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import type { NewJob } from '../job/new-job.js';
import { AfterCommit } from '../store/after-commit.js';
import { dataSourceOf } from '../store/data-source-of.js';
import type { EnqueuedJob } from '../store/enqueued-job.js';
import { TransactionalStore } from '../store/transactional-store.js';
import {
  throughWhat,
  type EnqueueTransaction,
  type Through,
} from './enqueue-transaction.js';

/** Is responsible for jobs that are enqueued in the caller's transaction, and for telling when that has committed. */
@Injectable()
export class TransactionalEnqueue {
  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly store: TransactionalStore,
  ) {}

  /** Undefined: the caller is in no transaction that we know of. @throws {InvalidJobError} */
  through(transaction: EnqueueTransaction): Through | undefined {
    return throughWhat(transaction, this.config.transaction);
  }

  /** Those of the jobs that are committed and wait. */
  findWaiting(ids: readonly string[]): Promise<EnqueuedJob[]> {
    return this.store.findWaiting(this.config.queueName, ids);
  }

  /**
   * Stores the jobs, uncommitted.
   *
   * @param onCommit called after the commit, with an open connection still in the caller's hands: it must be quick. Never called where the commit cannot be
   * seen, which is when TypeORM does not know of the transaction: another client's, or one begun by hand.
   * @returns false when the manager is in no transaction: nothing was stored.
   */
  async enqueue(
    through: Through,
    jobs: readonly NewJob[],
    onCommit: (stored: readonly EnqueuedJob[]) => void,
  ): Promise<boolean> {
    const { queueName } = this.config;
    if (through.client) {
      const { client } = through;
      await this.store.enqueueByClient(client, queueName, jobs);
      return true;
    }
    const { manager } = through;
    const { queryRunner } = manager;
    // One that was begun by query('BEGIN') is known to the server only.
    if (
      !queryRunner?.isTransactionActive &&
      !(await this.store.isInTransaction(manager))
    )
      return false;
    const stored = await this.store.enqueueBy(manager, queueName, jobs);
    const dataSource = dataSourceOf(manager);
    if (dataSource && queryRunner?.isTransactionActive)
      AfterCommit.of(dataSource).defer(queryRunner, () => onCommit(stored));
    return true;
  }
}
