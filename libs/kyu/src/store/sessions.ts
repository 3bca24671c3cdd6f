import type { DataSource } from 'typeorm';
import { heldUp, type PostgresTimers } from './held-up.js';
import { withConnection } from './pool-of.js';
import {
  LOOK_AT_SESSION,
  setUpSession,
  type SessionRow,
  type SessionTimeouts,
} from './session-settings.sql.js';

/**
 * A client of node-postgres. Not by its type, which an application need not have installed, and which
 * lacks the process id that the server, or a pooler, sent at connect.
 */
interface Connected {
  readonly processID?: number | null;
  readonly connectionParameters?: PostgresTimers;
  on(event: 'error', listener: () => void): unknown;
  off(event: 'error', listener: () => void): unknown;
  query<Row>(text: string): Promise<{ rows: Row[] }>;
  query(
    text: string,
    values: unknown[],
    answered: (error: Error | null, result?: { rows: unknown[] }) => void,
  ): void;
}

/** What the log should say of the sessions. */
export interface SessionRemark {
  level: 'log' | 'warn';
  message: string;
}

/**
 * UTF8 holds every text. SQL_ASCII keeps bytes as they come, which are the UTF-8 that Kyu sends.
 */
const ENCODINGS = ['UTF8', 'SQL_ASCII'];

/**
 * Is responsible for what Kyu may take for granted of the sessions of one data source, and so for
 * how its statements go out there.
 */
export class Sessions {
  private static readonly known = new WeakMap<DataSource, Sessions>();

  /** Those of a data source. One that Kyu did not open has sessions that are the application's. */
  static of(dataSource: DataSource): Sessions {
    let sessions = this.known.get(dataSource);
    if (!sessions) this.known.set(dataSource, (sessions = new Sessions(false)));
    return sessions;
  }

  private areRight = true;

  /** @param areOwn Kyu opens them and sets them up: the pool has the option {@link verify}. */
  constructor(private areOwn: boolean) {}

  belongTo(dataSource: DataSource): void {
    Sessions.known.set(dataSource, this);
  }

  /**
   * Whether statements are prepared by name. In sessions without Kyu's planning, a plan that is
   * kept outlives the size of the table that it was made for. Behind a pooler the next statement
   * may reach another session, which does not know the name or knows it already.
   */
  get named(): boolean {
    return this.areOwn;
  }

  /**
   * Whether a statement can go out by itself; else it needs a transaction that is set up for it.
   */
  get right(): boolean {
    return this.areRight;
  }

  /** The option `verify` of a pool: called with each new connection, before its first statement. */
  verify(timeouts: SessionTimeouts) {
    const text = setUpSession(timeouts);
    return (client: Connected, done: (error?: Error) => void): void => {
      // The pool listens to none at this moment, and an error event without a listener ends the
      // process.
      const ignoreError = (): void => undefined;
      client.on('error', ignoreError);
      const sentAt = performance.now();
      const answered = (
        error: Error | null,
        result?: { rows: unknown[] },
      ): void => {
        client.off('error', ignoreError);
        if (result?.rows.length === 0) this.foundPooler();
        const timers = client.connectionParameters ?? {};
        done(heldUp(error, sentAt, timers, 'not sent') ?? error ?? undefined);
      };
      client.query(text, [client.processID ?? 0], answered);
    };
  }

  /**
   * From the first connection through a pooler on, no session is taken for Kyu's own. What they are
   * like is unknown until {@link look}.
   */
  private foundPooler(): void {
    if (!this.areOwn) return;
    this.areOwn = false;
    this.areRight = false;
  }

  /**
   * Looks at one session and takes it for all of them: they have the same role, database and
   * options.
   *
   * @throws {UnusableSessionError} when Kyu cannot work there. Else what PostgreSQL says.
   */
  look(dataSource: DataSource): Promise<SessionRemark[]> {
    return withConnection(dataSource, async (client: Connected) => {
      const { rows } = await client.query<SessionRow>(LOOK_AT_SESSION);
      const { pid, encoding, is_replica: isReplica, wrong } = rows[0]!;
      if (!ENCODINGS.includes(encoding)) throw wrongEncoding(encoding);
      if (isReplica) throw new UnusableSessionError(...REPLICA);
      const isPooled = pid !== (client.processID ?? pid);
      if (isPooled) await expectTransactions(client);
      this.areRight = wrong === null;
      const remarks: SessionRemark[] = [];
      if (isPooled) remarks.push({ level: 'log', message: POOLED });
      if (wrong !== null)
        remarks.push({ level: 'warn', message: wrongSettings(wrong) });
      return remarks;
    });
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
