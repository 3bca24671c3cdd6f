import { Inject, Injectable } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import { JobCancelledError } from '../errors/run.errors.js';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import { jobsOf, type KyuLog } from '../runtime/kyu-log.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { isOutage } from '../runtime/is-outage.js';
import type { Semaphore } from '../runtime/semaphore.js';
import { WorkerIdentity } from '../runtime/worker-identity.js';
import { Connections } from '../store/connections.js';
import { Database } from '../store/database.js';
import { isPoolTimeout } from '../store/held-up.js';
import type { Outcome } from '../store/settlement.js';
import { JobTransaction } from '../store/job-transaction.js';
import { decideFailure } from './decide-outcome.js';
import { fenceMarginMs } from './fence-margin.js';
import type { JobRun } from './job-run.js';

const BUSY_POOL =
  'as PostgreSQL was slow, or handlers hold all connections of the pool';

/** Is responsible for runs whose handler is `transactional`: what it writes is committed with the end of its job, or not at all. */
@Injectable()
export class TransactionalRunner {
  /** Each run holds a connection for as long as its handler runs. */
  private readonly places: Semaphore;

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly handlers: HandlerRegistry,
    private readonly database: Database,
    private readonly worker: WorkerIdentity,
    @Inject(KyuLogger) private readonly logger: KyuLog,
    connections: Connections,
  ) {
    this.places = connections.transactionsOf(
      database.dataSource,
      database.maxConnections,
    );
  }

  /** How the run ended; undefined when its handler was not called, so that the job goes back. Never rejects. */
  run(
    run: JobRun,
    callHandler: () => Promise<Outcome>,
  ): Promise<Outcome | undefined> {
    return this.places.within(async () => {
      const transaction = await this.begin(run);
      if (!transaction) return undefined;
      run.enter(transaction.manager);
      return this.end(run, transaction, await callHandler());
    });
  }

  private async begin(run: JobRun): Promise<JobTransaction | undefined> {
    if (run.released || run.aborted) return undefined;
    try {
      const transaction = await this.beginInTime(run);
      if (!run.aborted) return transaction;
      await transaction?.rollback();
      return undefined;
    } catch (error) {
      const { id, jobType } = run.job;
      this.logger.failed(
        'warn',
        jobsOf(jobType),
        error,
        () =>
          `Job ${id} (${jobType}) goes back, as its transaction could not begin`,
      );
      return undefined;
    }
  }

  /**
   * An answer that took long was true long ago, as with every answer before a handler begins. A
   * connection may not come at all while handlers hold all that a lent pool has.
   */
  private async beginInTime(run: JobRun): Promise<JobTransaction | undefined> {
    const marginMs = fenceMarginMs(this.config);
    const beginning = JobTransaction.begin(
      this.database,
      this.worker.id,
      run.job,
    ).catch((error: unknown) => {
      // A lent pool may have a shorter timer of its own. That it is empty is no outage of PostgreSQL.
      if (isPoolTimeout(error))
        throw new Error(`no connection came, ${BUSY_POOL}`);
      throw isOutage(error) ? error : this.database.explain('begin_run', error);
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`${marginMs} ms were not enough, ${BUSY_POOL}`));
      }, marginMs);
    });
    try {
      return await Promise.race([beginning, late]);
    } catch (error) {
      void beginning.then(
        (transaction) => transaction?.rollback(),
        () => undefined,
      );
      throw error;
    } finally {
      clearTimeout(timer);
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
