import { JobCancelledError, UnrecoverableJobError } from '@kyu/nestjs';
import {
  decideFailure,
  type HandlerRegistry,
  type JobRun,
  type Outcome,
  type TransactionalRunner,
  type WorkerIdentity,
} from '@kyu/nestjs/testing-internals';
import type { EntityManager } from 'typeorm';
import type { MemoryJobStore } from './memory.job-store.js';

/** What a `transactional` handler writes by, when there is no database of Kyu's. */
export interface Managed {
  manager?: EntityManager | undefined;
}

/** Says that a call must be rolled back, and with what it ended. */
class RolledBack extends Error {
  constructor(readonly outcome: Outcome) {
    super('The handler failed; its transaction is rolled back.');
  }
}

/** Is responsible for calls of `transactional` handlers: in a transaction of the manager that the test gave, if that can have one. */
export class MemoryTransactionalRunner implements Pick<
  TransactionalRunner,
  keyof TransactionalRunner
> {
  constructor(
    private readonly handlers: HandlerRegistry,
    private readonly managed: Managed,
    private readonly store: MemoryJobStore,
    private readonly worker: WorkerIdentity,
  ) {}

  async run(
    run: JobRun,
    callHandler: () => Promise<Outcome>,
  ): Promise<Outcome> {
    try {
      return await inTransaction(this.managed, run, async () => {
        const outcome = await callHandler();
        if (outcome.status !== 'completed') throw new RolledBack(outcome);
        // Cancelled meanwhile: the settle makes that of it.
        if (!(await this.store.markStarted(this.worker.id, run.job)))
          throw new JobCancelledError();
        return outcome;
      });
    } catch (error) {
      if (error instanceof RolledBack) return error.outcome;
      return decideFailure(
        run.job,
        error,
        this.handlers.waitOf(run.job.jobType),
      );
    }
  }
}

/** Calls `work` with the manager of a transaction on the run; it is rolled back when that rejects. */
export async function inTransaction<T>(
  { manager }: Managed,
  run: JobRun,
  work: () => Promise<T>,
): Promise<T> {
  if (!manager)
    throw new UnrecoverableJobError(
      `The handler of "${run.job.jobType}" is transactional, and without servers there is no transaction: give KyuTestingModule or withKyuTesting() a manager, ` +
        "the EntityManager of a database of the test's own or what stands for it, or use mode: 'real'.",
    );
  const within = (own: EntityManager): Promise<T> => {
    run.enter(own);
    return work();
  };
  return typeof manager.transaction === 'function'
    ? manager.transaction(within)
    : within(manager);
}
