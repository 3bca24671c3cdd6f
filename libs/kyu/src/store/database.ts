import type { Pool } from 'pg';
import type { DataSource } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import type { TableNames } from '../job/table-names.js';
import type { PostgresOutage } from '../runtime/postgres-outage.js';
import { asUnavailable, causeOf, isHeldRow } from './postgres-errors.js';
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
const poolOf = ({ driver }: DataSource): Pool =>
  (driver as PostgresDriver).master as Pool;

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
}

/**
 * Runs Kyu's statements on the pool of a TypeORM `DataSource`: prepared, typed, without the detour through an entity. Where
 * TypeORM's `query()` would do, the pool does the same without a query runner per call.
 */
export class Database {
  private heldUntil = 0;

  /**
   * @param lent the data source is the application's, and so are the settings of its sessions.
   * @param outage told of each statement that fails, and of those that succeed while it lasts
   */
  constructor(
    readonly dataSource: DataSource,
    private readonly tables: TableNames,
    private readonly lent = false,
    private readonly names: SqlNames = sqlNames(tables),
    private readonly connection: Connection = poolOf(dataSource),
    private readonly outage?: PostgresOutage,
  ) {}

  /** The same on one connection, in the transaction that is open there. */
  on(connection: Connection): Database {
    const { dataSource, tables, lent, names, outage } = this;
    return new Database(dataSource, tables, lent, names, connection, outage);
  }

  /** How many connections there can be at once. */
  get maxConnections(): number {
    return poolOf(this.dataSource).options.max;
  }

  /** The SQL of a statement, for a connection that is not of the pool. */
  textOf(statement: Statement<unknown>): string {
    return statement.for(this.names).text;
  }

  /** @throws {PostgresUnavailableError} when there is no connection, else what PostgreSQL says. */
  async run<Row>(statement: Statement<Row>, values: unknown[]): Promise<Row[]> {
    const { name, text } = statement.for(this.names);
    const query = {
      // Without the planning that Kyu asks of its own sessions, a prepared plan outlives the size of the table that it was made for.
      ...(!this.lent && { name }),
      text,
      values,
      types,
    };
    try {
      const { rows } = await this.connection.query(query);
      if (this.outage?.isOpen) this.outage.succeeded();
      return rows as Row[];
    } catch (error) {
      throw this.explain(statement.verb, error);
    }
  }

  /** What a statement failed with, as its caller should see it; noted if it is an outage. */
  explain(verb: string, error: unknown): unknown {
    const explained = asUnavailable(error);
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
