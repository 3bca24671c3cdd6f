import type {
  AfterQueryEvent,
  DataSource,
  EntitySubscriberInterface,
  QueryRunner,
} from 'typeorm';

type Hook = () => void;

interface TransactionEvent {
  queryRunner: QueryRunner;
}

/**
 * Is responsible for calling hooks when their transaction is durable, and never when it is not. TypeORM tells of a released savepoint as it tells of a
 * commit, so there is one list of hooks for each nested transaction: a released savepoint hands its hooks to the one around it, a rolled back one drops them.
 */
export class AfterCommit implements EntitySubscriberInterface {
  private readonly frames = new WeakMap<QueryRunner, Hook[][]>();

  /** The data source's one and only: kept in its own list, so that all who share it find the same, also after it was initialised again. */
  static of(dataSource: DataSource): AfterCommit {
    const { subscribers } = dataSource;
    const known = subscribers.find((each) => each instanceof AfterCommit);
    if (known) return known;
    const made = new AfterCommit();
    subscribers.push(made);
    return made;
  }

  /**
   * Calls `hook` once the transaction that `queryRunner` is in has been committed. The hook must be quick: the connection is not yet back in its pool, so
   * whoever waits for another one there may wait for ever.
   */
  defer(queryRunner: QueryRunner, hook: Hook): void {
    const frame = this.frames.get(queryRunner)?.at(-1);
    // None: the transaction is older than this subscriber. What it is nested in shows when it ends.
    if (frame) frame.push(hook);
    else this.frames.set(queryRunner, [[hook]]);
  }

  afterTransactionStart({ queryRunner }: TransactionEvent): void {
    const stack = this.frames.get(queryRunner);
    if (stack) stack.push([]);
    else this.frames.set(queryRunner, [[]]);
  }

  afterTransactionCommit({ queryRunner }: TransactionEvent): void {
    const stack = this.frames.get(queryRunner);
    const hooks = stack?.pop();
    if (!stack || !hooks) return;
    if (queryRunner.isTransactionActive) {
      // A savepoint was released; nothing is durable yet.
      const parent = stack.at(-1);
      if (parent) parent.push(...hooks);
      else stack.push(hooks);
      return;
    }
    this.frames.delete(queryRunner);
    for (const hook of hooks) callQuietly(hook);
  }

  afterTransactionRollback({ queryRunner }: TransactionEvent): void {
    if (queryRunner.isTransactionActive) this.frames.get(queryRunner)?.pop();
    else this.frames.delete(queryRunner);
  }

  /** After an error that somebody swallowed, PostgreSQL answers COMMIT by rolling back, and TypeORM takes it for a commit. Only the command tag tells. */
  afterQuery({ query, rawResults, queryRunner }: AfterQueryEvent): void {
    const { command } = (rawResults ?? {}) as { command?: unknown };
    if (query === 'COMMIT' && command === 'ROLLBACK')
      this.frames.delete(queryRunner);
  }
}

/** What a hook throws would come out of the caller's transaction(), whose data is committed. */
function callQuietly(hook: Hook): void {
  try {
    hook();
  } catch {
    // A job that was not staged is found by the refill.
  }
}
