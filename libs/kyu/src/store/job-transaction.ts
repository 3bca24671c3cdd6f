import type { ClientBase } from 'pg';
import type { EntityManager, QueryRunner } from 'typeorm';
import { AfterCommit } from './after-commit.js';
import { Database } from './database.js';
import { ALLOW_WRITES } from './session-settings.sql.js';
import { Sessions } from './sessions.js';
import { SETTLE_UNHELD } from './settle.sql.js';
import { endsOf, settleValues, type Outcome, type Run } from './settlement.js';
import { BEGIN_RUN, END_SESSION, HOLD_RUN } from './transactional.sql.js';

/** The server ends a forgotten transaction this long after the job's own timeout, should this process have no more time for it. */
const IDLE_GRACE_MS = 10_000;
const MAX_INTEGER = 2_147_483_647;

/**
 * The transaction of one run: what its handler writes by `manager` and the settling of its job are committed together, or neither is. When the
 * handler's time is over nothing of it reaches the connection any more: what it sent after a ROLLBACK would commit by itself.
 */
export class JobTransaction {
  private closed = false;

  private constructor(
    private readonly runner: QueryRunner,
    private readonly database: Database,
    private readonly worker: string,
    private readonly run: Run,
    private readonly endSession: () => Promise<unknown>,
  ) {
    const query = runner.query.bind(runner);
    Object.assign(runner, {
      query: (text: string, ...rest: unknown[]): Promise<unknown> =>
        this.closed && text !== 'COMMIT' && text !== 'ROLLBACK'
          ? Promise.reject(
              new Error(
                "This statement came after the end of its job's transaction. Await everything that the handler does by its manager.",
              ),
            )
          : (Reflect.apply(query, runner, [text, ...rest]) as Promise<unknown>),
    });
  }

  /** Undefined when the job is ours no more, or is to be cancelled. @throws what PostgreSQL says. */
  static async begin(
    pool: Database,
    worker: string,
    run: Run & { timeoutMs: number },
  ): Promise<JobTransaction | undefined> {
    const runner = pool.dataSource.createQueryRunner();
    try {
      const client = await connectionOf(runner);
      // In a stricter isolation, runs that have nothing to do with each other would fail each other:
      // their jobs are neighbours in the table and in its indexes.
      await runner.startTransaction(
        isReadCommitted(pool) ? undefined : 'READ COMMITTED',
      );
      if (!Sessions.of(pool.dataSource).right) await client.query(ALLOW_WRITES);
      const database = pool.on(client);
      const idleMs = Math.min(run.timeoutMs + IDLE_GRACE_MS, MAX_INTEGER);
      const [session] = await database.run(BEGIN_RUN, [
        run.id,
        run.token,
        worker,
        idleMs,
      ]);
      if (session)
        return new JobTransaction(runner, database, worker, run, () =>
          pool.run(END_SESSION, [session.pid]),
        );
      await runner.rollbackTransaction();
      await runner.release();
      return undefined;
    } catch (error) {
      await discard(runner);
      throw error;
    }
  }

  get manager(): EntityManager {
    return this.runner.manager;
  }

  /**
   * Settles the job as completed and commits. False when the job is ours no more or is to be cancelled: then nothing has happened but a rollback.
   *
   * @throws when it could not; whether a commit took effect whose answer was lost, the job's history tells.
   */
  async complete(outcome: Outcome): Promise<boolean> {
    this.closed = true;
    const { id, token } = this.run;
    const held = await this.database.run(HOLD_RUN, [id, token, this.worker]);
    if (held.length === 0) {
      await this.rollback();
      return false;
    }
    // Its row is ours since the statement before. The quick form would leave its short patience to all that the commit still checks.
    const settlements = [{ id, token, outcome }];
    const rows = await this.database.run(
      SETTLE_UNHELD,
      settleValues(this.worker, settlements),
    );
    if (endsOf(settlements, rows).get(id) !== 'completed')
      throw new Error('The job could not be settled in its transaction.');
    let committed = false;
    AfterCommit.of(this.database.dataSource).defer(this.runner, () => {
      committed = true;
    });
    try {
      await this.runner.commitTransaction();
    } catch (error) {
      if (!committed) throw error; // else it is of a subscriber of the application
    }
    if (!committed) throw new Error('The transaction was rolled back.');
    await this.runner.release();
    return true;
  }

  /** For a handler that has ended. */
  async rollback(): Promise<void> {
    this.closed = true;
    try {
      await this.runner.rollbackTransaction();
      await this.runner.release();
    } catch {
      // It is broken, or in a nested transaction that nobody ended.
      await discard(this.runner);
    }
  }

  /** For a handler that may go on, in the middle of a statement perhaps: the connection ends, and its transaction with it. */
  async discard(): Promise<void> {
    this.closed = true;
    await this.endSession().catch(() => undefined); // it may be gone
    await discard(this.runner);
  }
}

/** Whether a transaction that TypeORM begins is so by itself; its option is new in TypeORM 1. */
function isReadCommitted({ dataSource }: Database): boolean {
  const { isolationLevel } = dataSource.options as { isolationLevel?: string };
  return Sessions.of(dataSource).right && isolationLevel === undefined;
}

/** TypeORM types it as `any`; it is a client of node-postgres. */
const connectionOf = (runner: QueryRunner): Promise<ClientBase & Ending> =>
  runner.connect();

interface Ending {
  end(): Promise<void>;
}

/** Gives back a connection in a state in which nobody else may get it: the pool replaces one that has ended. */
async function discard(runner: QueryRunner): Promise<void> {
  if (runner.isReleased) return; // it broke, or its data source was closed; it may be somebody else's by now
  await connectionOf(runner)
    .then((client) => void client.end().catch(() => undefined))
    .catch(() => undefined); // there never was one
  await runner.release();
}
