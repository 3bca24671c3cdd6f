import type { DataSource } from 'typeorm';
import { QueueClosedError } from '../errors/kyu.errors.js';
import type { TableNames } from '../job/table-names.js';
import { DatabaseClock } from '../runtime/database-clock.js';
import { heldUp } from './held-up.js';
import { poolOf } from './pool-of.js';
import { asUnavailable, isHeldRow } from './postgres-errors.js';
import { sqlNames, type SqlNames, type Statement } from './statement.js';

const asNumber = Number;
const asText = (text: string): string => text;
const asDate = (text: string): Date => new Date(text);
const asBoolean = (text: string): boolean => text === 't';

/**
 * By type OID (`pg_type.dat` of PostgreSQL). Given with each query, because an application may have set parsers of its own for the
 * whole process. JSON stays text here: whoever needs the value parses it, and a job that only waits is never parsed.
 */
const PARSERS = new Map<number, (text: string) => unknown>([
  [16, asBoolean],
  [20, asNumber], // int8: counts and milliseconds, far below 2^53
  [23, asNumber],
  [701, asNumber],
  [1184, asDate],
]);

const types = {
  getTypeParser: (oid: number) => PARSERS.get(oid) ?? asText,
};

/** Who holds rows by hand holds them for seconds: meanwhile nobody tries the quick form, whose failure costs a whole batch. */
const HELD_FOR_MS = 1_000;
const MAX_QUICK_MS = 5_000;

/** What is needed of a pool or a client of node-postgres. Not by its types, which an application need not have installed. */
interface Connection {
  query(statement: {
    text: string;
    values: unknown[];
    types: typeof types;
  }): Promise<{ rows: unknown[] }>;
  /** Of a pool: it serves nobody any more. */
  readonly ending?: boolean;
}

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
   * @param lent it is the application's, and so are the settings of its sessions.
   * @param own what Kyu's own statements use: the same, or one beside what is lent.
   */
  constructor(
    readonly dataSource: DataSource,
    private readonly tables: TableNames,
    private readonly lent = false,
    readonly own: DataSource = dataSource,
    private readonly names: SqlNames = sqlNames(tables),
    private readonly connection: Connection = poolOf(own),
  ) {
    this.clock = DatabaseClock.of(dataSource);
  }

  /** The same on one connection, in the transaction that is open there. */
  on(connection: Connection): Database {
    const { dataSource, tables, lent, own, names } = this;
    return new Database(dataSource, tables, lent, own, names, connection);
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
   * Connects once more if this process was too busy for the first try.
   *
   * @throws {PostgresUnavailableError} when there is no connection, else what PostgreSQL says.
   */
  async run<Row>(
    statement: Statement<Row>,
    values: unknown[],
    again = false,
  ): Promise<Row[]> {
    const { name, text } = statement.for(this.names);
    let sending: 'sent' | 'not sent' = 'not sent';
    const query = {
      // Without the planning that Kyu asks of its own sessions, a prepared plan outlives the size of the table that it was made for.
      ...(!this.lent && { name }),
      // node-postgres reads it when there is a connection to send it by, and not before.
      get text() {
        sending = 'sent';
        return text;
      },
      values,
      types,
    };
    const startedAt = performance.now();
    try {
      const { rows } = await this.connection.query(query);
      return rows as Row[];
    } catch (error) {
      // The owner of the pool, which need not be Kyu, has closed it.
      if (sending === 'not sent' && this.connection.ending)
        throw new QueueClosedError();
      const late = heldUp(error, startedAt, poolOf(this.own).options);
      // Without a connection nothing was sent.
      if (late?.outcome === 'not done' && !again)
        return this.run(statement, values, true);
      throw late ?? asUnavailable(error, sending);
    }
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
      return await this.run(quick, values);
    } catch (error) {
      const failedAt = performance.now();
      // After so long it was the lock of a whole table, and the other form would wait as long again.
      if (!isHeldRow(error) || failedAt - begunAt > MAX_QUICK_MS) throw error;
      this.heldUntil = failedAt + HELD_FOR_MS;
      return this.run(unheld, values);
    }
  }
}
