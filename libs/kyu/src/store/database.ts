import type { Pool } from 'pg';
import type { DataSource } from 'typeorm';
import { QueueClosedError } from '../errors/kyu.errors.js';
import type { TableNames } from '../job/table-names.js';
import { DatabaseClock } from '../runtime/database-clock.js';
import type { PostgresOutage } from '../runtime/postgres-outage.js';
import { heldUp, type PostgresTimers } from './held-up.js';
import { poolOf, withConnection } from './pool-of.js';
import {
  asUnavailable,
  causeOf,
  isHeldRow,
  type Sending,
} from './postgres-errors.js';
import { retryConflicts } from './retry-conflicts.js';
import { Sessions } from './sessions.js';
import { setUpTransaction } from './session-settings.sql.js';
import { sqlNames, type SqlNames, type Statement } from './statement.js';

const asNumber = Number;
const asText = (text: string): string => text;
const asBoolean = (text: string): boolean => text === 't';

/**
 * By type OID (`pg_type.dat` of PostgreSQL). Given with each query, because an application may have set parsers of its own for the
 * whole process. JSON stays text here: whoever needs the value parses it, and a job that only waits is never parsed.
 * Times are selected as milliseconds: their text depends on the session's `datestyle`.
 */
const PARSERS = new Map<number, (text: string) => unknown>([
  [16, asBoolean],
  [20, asNumber], // int8: counts and milliseconds, far below 2^53
  [23, asNumber],
  [701, asNumber],
]);

const types = {
  getTypeParser: (oid: number) => PARSERS.get(oid) ?? asText,
};

/** Who holds rows by hand holds them for seconds: meanwhile nobody tries the quick form, whose failure costs a whole batch. */
const HELD_FOR_MS = 1_000;
const MAX_QUICK_MS = 5_000;

interface Query {
  name?: string;
  text: string;
  values: unknown[];
  types: typeof types;
}

/** What is needed of a pool or a client of node-postgres. Not by its types, which an application need not have installed. */
interface Connection {
  query(query: Query): Promise<{ rows: unknown[] }>;
  readonly connectionParameters?: PostgresTimers;
}

const BEGIN = `BEGIN; ${setUpTransaction()}`;

/**
 * Runs Kyu's statements on the pool of a TypeORM `DataSource`: prepared, typed, without the detour through an entity. Where
 * TypeORM's `query()` would do, the pool does the same without a query runner per call.
 */
export class Database {
  private heldUntil = 0;
  /** Learns from the answers that carry the time of the server. */
  readonly clock: DatabaseClock;

  /**
   * @param dataSource what handlers and the application use.
   * @param own what Kyu's own statements use: the same, or one beside what is lent.
   * @param outage told of each statement that fails, and of those that succeed while it lasts.
   * @param transaction a connection with an open one; else each statement has its own.
   */
  constructor(
    readonly dataSource: DataSource,
    private readonly tables: TableNames,
    readonly own: DataSource = dataSource,
    private readonly outage?: PostgresOutage,
    readonly sessions = Sessions.of(own),
    private readonly names: SqlNames = sqlNames(tables),
    private readonly transaction?: Connection,
  ) {
    this.clock = DatabaseClock.of(dataSource);
  }

  /** The same on one connection of the application's, in the transaction that is open there. */
  on(connection: Connection): Database {
    return new Database(
      this.dataSource,
      this.tables,
      this.own,
      this.outage,
      Sessions.of(this.dataSource),
      this.names,
      connection,
    );
  }

  /** How many connections handlers and the application can have at once. */
  get maxConnections(): number {
    return poolOf(this.dataSource).options.max;
  }

  /** The SQL of a statement, for a connection that is not of the pool. */
  textOf(statement: Statement<unknown>): string {
    return statement.for(this.names).text;
  }

  /**
   * A statement that PostgreSQL gave up because of another transaction is tried again, unless it is
   * part of an open transaction. Kyu connects once more if this process was too busy for the first
   * try.
   *
   * @throws {PostgresUnavailableError} when there is no connection.
   * @throws {QueueClosedError} when the owner of the pool has closed it.
   * @throws {TransactionConflictError} when PostgreSQL gave it up at each try.
   * @throws what PostgreSQL says, for anything else.
   */
  run<Row>(statement: Statement<Row>, values: unknown[]): Promise<Row[]> {
    return this.send(statement, values).catch((error: unknown) => {
      if (this.transaction) throw error;
      return retryConflicts(error, () => this.send(statement, values));
    });
  }

  /** What a statement failed with, as its caller should see it; noted if it is an outage. */
  explain(verb: string, error: unknown, sending?: Sending): unknown {
    const explained = asUnavailable(error, sending);
    this.outage?.failed(verb, explained, causeOf(error));
    return explained;
  }

  /** Runs the quick form of a statement; and if it gives up because somebody holds one of its rows, the one that passes over that row. */
  async runPassingOverHeld<Row>(
    quick: Statement<Row>,
    unheld: Statement<Row>,
    values: unknown[],
  ): Promise<Row[]> {
    const begunAt = performance.now();
    if (begunAt < this.heldUntil) return this.run(unheld, values);
    try {
      return await this.send(quick, values);
    } catch (error) {
      const failedAt = performance.now();
      // After so long it was the lock of a whole table, and the other form would wait as long again.
      if (!isHeldRow(error) || failedAt - begunAt > MAX_QUICK_MS) throw error;
      this.heldUntil = failedAt + HELD_FOR_MS;
      return this.run(unheld, values);
    }
  }

  private async send<Row>(
    statement: Statement<Row>,
    values: unknown[],
    again = false,
  ): Promise<Row[]> {
    const { name, text } = statement.for(this.names);
    let sending: Sending = 'not sent';
    let timerSince = performance.now();
    const timerBegins = (): void => {
      timerSince = performance.now();
    };
    const query = {
      ...(this.sessions.named && { name }),
      // node-postgres reads it when there is a connection to send it by, and not before.
      get text() {
        sending = 'sent';
        timerBegins();
        return text;
      },
      values,
      types,
    };
    const { transaction } = this;
    const pool = transaction ? undefined : this.openPool();
    try {
      const { rows } = transaction
        ? await transaction.query(query)
        : this.sessions.right
          ? await pool!.query(query)
          : await this.sendInTransaction(query, timerBegins);
      this.outage?.succeeded();
      return rows as Row[];
    } catch (error) {
      if (sending === 'not sent' && pool?.ending) throw new QueueClosedError();
      const timers = pool?.options ?? transaction?.connectionParameters ?? {};
      const late = heldUp(error, timerSince, timers, sending);
      // Without a connection nothing was sent.
      if (late?.outcome === 'not done' && !again)
        return this.send(statement, values, true);
      throw late ?? this.explain(statement.verb, error, sending);
    }
  }

  /** @throws {QueueClosedError} when it is closed: TypeORM has none any more then. */
  private openPool(): Pool {
    const pool = poolOf(this.own) as Pool | undefined;
    if (!pool || pool.ending) throw new QueueClosedError();
    return pool;
  }

  /**
   * For sessions that are not as the statements need them.
   *
   * @param timerBegins called before each further statement, whose timer for an answer is its own.
   */
  private sendInTransaction(
    query: Query,
    timerBegins: () => void,
  ): Promise<{ rows: unknown[] }> {
    return withConnection(this.own, async (client) => {
      timerBegins();
      await client.query(BEGIN);
      const answer = await client.query(query);
      timerBegins();
      await client.query('COMMIT');
      return answer;
    });
  }
}
