import { Inject, Injectable } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import { JobCancelledError } from '../errors/kyu.errors.js';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import { jobsOf, type KyuLog } from '../runtime/kyu-log.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { isOutage } from '../runtime/is-outage.js';
import { Semaphore } from '../runtime/semaphore.js';
import { WorkerIdentity } from '../runtime/worker-identity.js';
import { Database } from '../store/database.js';
import type { Outcome } from '../store/settlement.js';
import { JobTransaction } from '../store/job-transaction.js';
import { decideFailure } from './decide-outcome.js';
import { fenceMarginMs } from './fence-margin.js';
import type { JobRun } from './job-run.js';

/** Connections that transactional runs leave to everything else: their handlers may enqueue, and others must settle. */
const SPARE_CONNECTIONS = 2;

/** Is responsible for runs whose handler is `transactional`: what it writes is committed with the end of its job, or not at all. */
@Injectable()
export class TransactionalRunner {
  /** Each holds a connection for as long as its handler runs; without a limit they could all wait for one more. */
  private readonly connections: Semaphore;

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly handlers: HandlerRegistry,
    private readonly database: Database,
    private readonly worker: WorkerIdentity,
    @Inject(KyuLogger) private readonly logger: KyuLog,
  ) {
    this.connections = new Semaphore(
      Math.max(1, database.maxConnections - SPARE_CONNECTIONS),
    );
  }

  /** How the run ended; undefined when its handler was not called, so that the job goes back. Never rejects. */
  run(
    run: JobRun,
    callHandler: () => Promise<Outcome>,
  ): Promise<Outcome | undefined> {
    return this.connections.within(async () => {
      const transaction = await this.begin(run);
      if (!transaction) return undefined;
      run.enter(transaction.manager);
      return this.end(run, transaction, await callHandler());
    });
  }

  private async begin(run: JobRun): Promise<JobTransaction | undefined> {
    if (run.released || run.aborted) return undefined;
    const askedAt = performance.now();
    try {
      const transaction = await JobTransaction.begin(
        this.database,
        this.worker.id,
        run.job,
      );
      // As with every answer before a handler begins: one that took long was true long ago.
      const believed =
        !run.aborted &&
        performance.now() - askedAt < fenceMarginMs(this.config);
      if (believed) return transaction;
      await transaction?.rollback();
      return undefined;
    } catch (error) {
      const { id, jobType } = run.job;
      this.logger.failed(
        'warn',
        jobsOf(jobType),
        isOutage(error) ? error : this.database.explain('begin_run', error),
        () =>
          `Job ${id} (${jobType}) goes back, as its transaction could not begin`,
      );
      return undefined;
    }
  }

  private async end(
    run: JobRun,
    transaction: JobTransaction,
    outcome: Outcome,
  ): Promise<Outcome> {
    if (outcome.status !== 'completed') {
      // With its signal aborted the handler may run on: the run does not wait for it when its time is up.
      await (run.aborted ? transaction.discard() : transaction.rollback());
      return outcome;
    }
    try {
      if (await transaction.complete(outcome)) {
        run.committed = true;
        return outcome;
      }
      // Cancelled meanwhile, or no longer ours: which of them, the settle of this failure finds out. It can do nothing else.
      return this.failure(run, new JobCancelledError());
    } catch (error) {
      await transaction.rollback();
      // If it was committed all the same, and only the answer was lost, the settle of this failure is refused and finds it in the history.
      return this.failure(run, explained(error));
    }
  }

  private failure(run: JobRun, error: unknown): Outcome {
    return decideFailure(run.job, error, this.handlers.waitOf(run.job.jobType));
  }
}

/** PostgreSQL's message for this says nothing of the cause, which the handler has swallowed. */
function explained(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code === '25P02'
    ? new Error(
        'A statement of the handler failed and its error was caught; PostgreSQL accepts nothing more in such a transaction. Put what may fail into a ' +
          'nested one: manager.transaction().',
        { cause: error },
      )
    : error;
}
