import type { EntityManager } from 'typeorm';
import { InvalidJobError } from '../errors/kyu.errors.js';
import { showValue } from '../runtime/show-value.js';
import { dataSourceOf } from '../store/data-source-of.js';

/**
 * A client of any library that can run a statement with parameters in its open transaction. What it answers does not matter.
 *
 * @publicApi
 */
export interface SqlClient {
  /** `text` has the parameters `$1` and `$2`, once each and in this order, and both values are strings. */
  query(text: string, values: string[]): Promise<unknown>;
}

/**
 * The transaction that jobs are enqueued in: they exist if and when it commits.
 *
 * @publicApi
 */
export interface EnqueueTransaction {
  /**
   * The manager of an open TypeORM transaction; the jobs are staged when that has committed. A manager without one changes nothing: the jobs have a commit of
   * their own, on a connection of Kyu's. One whose query runner was released is refused. @default what the module's option `transaction` returns
   */
  manager?: EntityManager;
  /** Any other client. Kyu cannot see its commit: a worker finds the jobs within seconds, or at once after `queue.stage(ids)`. */
  client?: SqlClient;
}

/** What goes by the manager's connection, or through the client. */
export type Through =
  { manager: EntityManager; client?: undefined } | { client: SqlClient };

/** Takes apart what one call was given. What is no object is left for its own check. */
export function splitTransaction<Options extends object>(
  options: Options & EnqueueTransaction,
): { transaction: EnqueueTransaction; own: Options } {
  const given = Object(options) as EnqueueTransaction;
  if (!('manager' in given) && !('client' in given))
    return { transaction: {}, own: options };
  const { manager, client, ...own } = options;
  return { transaction: { manager, client }, own: own as unknown as Options };
}

/**
 * How to take part in the caller's transaction; undefined when there is none.
 *
 * @param ambient the module's option, asked when the call itself says nothing.
 * @param check what a manager has to be.
 * @throws {InvalidJobError}
 */
export function throughWhat(
  transaction: EnqueueTransaction,
  ambient: (() => EntityManager | undefined) | undefined,
  check: (value: EntityManager, what: string) => void = checkManager,
): Through | undefined {
  checkKeys(transaction);
  const { manager, client } = transaction;
  if (client !== undefined) {
    if (manager !== undefined)
      throw new InvalidJobError(
        'Pass a manager or a client, not both: a job is in one transaction. Nothing was stored.',
      );
    if (typeof (client as Partial<SqlClient> | null)?.query !== 'function')
      throw new InvalidJobError(
        `Expected client to have a method query(text, values), got: ${showValue(client)}. Nothing was stored.`,
      );
    return { client };
  }
  const found = manager ?? ambient?.() ?? undefined;
  if (found === undefined) return undefined;
  const what = manager ? 'manager' : 'what the option "transaction" returns';
  check(found, what);
  if (found.queryRunner?.isReleased)
    throw new InvalidJobError(
      `The transaction of ${what} has ended, committed or rolled back, and its connection was given back. Enqueue before it ends, or without its manager. ` +
        'This job was not stored; what the transaction did is as it ended.',
    );
  return found.queryRunner ? { manager: found } : undefined;
}

/** `enqueueMany(jobs, manager)` is easily written, and would be a transaction that nobody takes part in. */
function checkKeys(transaction: EnqueueTransaction): void {
  const keys = Object.keys(Object(transaction) as object);
  if (
    typeof transaction !== 'object' ||
    transaction === null ||
    keys.some((key) => key !== 'manager' && key !== 'client')
  )
    throw new InvalidJobError(
      'Expected the transaction of enqueueMany() to be { manager } or { client }. Nothing was stored.',
    );
}

/** By what it has: with two copies of TypeORM in one process, `instanceof` would say no. @throws {InvalidJobError} */
function checkManager(value: EntityManager, what: string): void {
  const options = dataSourceOf(value)?.options;
  if (!options)
    throw new InvalidJobError(
      `Expected ${what} to be an EntityManager of TypeORM, got: ${showValue(value)}. Nothing was stored.`,
    );
  if (options.type !== 'postgres')
    throw new InvalidJobError(
      `Expected ${what} to be of a "postgres" DataSource, got one of "${options.type}": a job can only be part of a transaction of the database that ` +
        'holds the jobs. Nothing was stored.',
    );
}
