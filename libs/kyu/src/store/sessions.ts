import type { ClientBase, QueryResult } from 'pg';
import type { DataSource } from 'typeorm';
import { poolOf } from './pool-of.js';
import {
  LOOK_AT_SESSION,
  setUpSession,
  type SessionRow,
  type SessionTimeouts,
} from './session-settings.sql.js';

/** What node-postgres knows of its connection and does not type: the process id that the server, or a pooler, gave it. */
type Connected = Pick<ClientBase, 'query'> & { processID?: number | null };

/** PostgreSQL takes text of any language in the first, and bytes as they come in the second, which are the UTF-8 that Kyu writes. */
const ENCODINGS = ['UTF8', 'SQL_ASCII'];

/** Is responsible for what Kyu may take for granted of the sessions of one data source, and so for how its statements go out there. */
export class Sessions {
  private static readonly known = new WeakMap<DataSource, Sessions>();

  /** Those of a data source; of one that Kyu did not open, all settings are the application's. */
  static of(dataSource: DataSource): Sessions {
    let sessions = this.known.get(dataSource);
    if (!sessions) this.known.set(dataSource, (sessions = new Sessions(false)));
    return sessions;
  }

  private areRight = true;

  /** @param areOwn Kyu opens them, and sets them up itself: {@link verify}. */
  constructor(private areOwn: boolean) {}

  /** To be called with the data source that was made with {@link verify}. */
  belongTo(dataSource: DataSource): void {
    Sessions.known.set(dataSource, this);
  }

  /**
   * Whether a statement is prepared by name. Without the planning that Kyu asks of its own sessions, a plan that is kept outlives the size of the table that
   * it was made for; and behind a pooler the next statement may reach a session that has never heard of the name, or knows it already.
   */
  get named(): boolean {
    return this.areOwn;
  }

  /** Whether a statement can go out by itself. Otherwise it needs a transaction around it that is set up as Kyu needs it. */
  get right(): boolean {
    return this.areRight;
  }

  /** The option `verify` of a pool: called with each new connection, before the first statement on it. */
  verify(timeouts: SessionTimeouts) {
    const text = setUpSession(timeouts);
    return (client: Connected, done: (error?: Error) => void): void => {
      const answered = (error: Error | null, result?: QueryResult): void => {
        if (result?.rows.length === 0) this.foundPooler();
        done(error ?? undefined);
      };
      client.query(text, [client.processID ?? 0], answered);
    };
  }

  /** For good: from the first connection through a pooler on, none is taken for Kyu's own. What it is like is unknown until someone looks. */
  private foundPooler(): void {
    if (!this.areOwn) return;
    this.areOwn = false;
    this.areRight = false;
  }

  /**
   * Looks at one session, and takes it for all of them: they have the same role, database and options.
   *
   * @returns what the log should say of them: nothing where all is as usual.
   * @throws {Error} when Kyu cannot work there; what PostgreSQL says.
   */
  async look(dataSource: DataSource): Promise<string[]> {
    const client = await poolOf(dataSource).connect();
    try {
      const remarks = await this.lookAt(client);
      client.release();
      return remarks;
    } catch (error) {
      client.release(true); // a pooler that refused something has closed it
      throw error;
    }
  }

  private async lookAt(client: Connected): Promise<string[]> {
    const { rows } = await client.query<SessionRow>(LOOK_AT_SESSION);
    const { pid, encoding, is_replica: isReplica, wrong } = rows[0]!;
    if (!ENCODINGS.includes(encoding)) throw wrongEncoding(encoding);
    if (isReplica) throw new UnusableSessionError(...REPLICA);
    const isPooled = pid !== client.processID;
    if (isPooled) await expectTransactions(client);
    this.areRight = wrong === null;
    return [
      ...(isPooled ? [POOLED] : []),
      ...(wrong === null ? [] : [wrongSettings(wrong)]),
    ];
  }
}

/** Kyu cannot work in a session that it could open. */
export class UnusableSessionError extends Error {
  /** @param advice what to do about it. */
  constructor(
    message: string,
    readonly advice: string,
  ) {
    super(message);
  }
}

const wrongEncoding = (encoding: string): UnusableSessionError =>
  new UnusableSessionError(
    `the encoding of the database is ${encoding}, which lacks characters that a payload or an error may hold`,
    "create a database with ENCODING 'UTF8' and TEMPLATE template0",
  );

const REPLICA = [
  'this server is a read-only replica',
  'correct the URL, so that it leads to the primary',
] as const;

const STATEMENT_MODE = [
  'the connection pooler in front of it allows no transactions (pool_mode = statement)',
  'set pool_mode to transaction or session for this database or user',
] as const;

const POOLED =
  'PostgreSQL is behind a connection pooler: Kyu prepares no statement by name there and sets nothing in its sessions.';

const wrongSettings = (wrong: string): string =>
  `The sessions of PostgreSQL have ${wrong}. Kyu's statements need other settings, so each runs in a transaction that sets them for itself, which takes ` +
  'three round trips instead of one. Transactional handlers run in READ COMMITTED. To spare the round trips, change these settings for the role that Kyu uses.';

/** @throws {UnusableSessionError} */
async function expectTransactions(client: Connected): Promise<void> {
  try {
    await client.query('BEGIN');
    await client.query('ROLLBACK');
  } catch (error) {
    if (/statement pooling/i.test((error as Error).message))
      throw new UnusableSessionError(...STATEMENT_MODE);
    throw error;
  }
}
