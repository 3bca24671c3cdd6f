import { types } from 'node:util';
import type { PostgresConfig } from '../config/kyu.config.js';
import {
  KyuError,
  PostgresUnavailableError,
  TransactionConflictError,
} from '../errors/kyu.errors.js';

/** What a code of node-postgres, of Node's sockets or of PostgreSQL (its appendix A) means to the one who reads it at boot. */
const ADVICE = new Map(
  Object.entries({
    ECONNREFUSED: 'nothing listens there; start PostgreSQL or correct the URL',
    ENOTFOUND: 'no such host; correct the host name of the URL',
    EAI_AGAIN: 'the name server does not answer; check the host name',
    ETIMEDOUT: 'no answer; check the host, the port and the firewall',
    ECONNRESET: 'the connection was closed; is this really a PostgreSQL port?',
    '28P01': 'the password is wrong; correct user and password of the URL',
    '28000': 'this user may not log in; correct the user, or pg_hba.conf',
    '3D000': 'the database does not exist; create it or correct the URL',
    '53300':
      'too many connections; raise max_connections or lower postgres.maxConnections',
    '57P03':
      'the server is starting up or shutting down; try again in a moment',
    '25006': 'this session may only read; connect to the primary',
    '08P01':
      'a connection pooler refused it; the guide behind-a-pooler.md says which parameters and pool modes work',
    '42501':
      "the user lacks a right; grant it, or migrate with another role and set postgres.migrations to 'manual'",
  }),
);

/** Every error of a failed boot in one sentence: host, port, cause, cure. Never the password. */
export function explainPostgresFailure(
  error: unknown,
  config: Pick<PostgresConfig, 'url' | 'dataSource'>,
): PostgresUnavailableError {
  if (error instanceof PostgresUnavailableError) return error; // it explains itself
  const { code, message } = firstError(error);
  const advice =
    (error as { advice?: string } | null)?.advice ??
    ADVICE.get(code ?? '') ??
    (/timeout/i.test(message)
      ? ADVICE.get('ETIMEDOUT')
      : /SSL|certificate/i.test(message)
        ? 'TLS failed; check postgres.ssl and the sslmode of the URL'
        : 'check postgres.url');
  return new PostgresUnavailableError(
    `Kyu cannot use PostgreSQL at ${describeTarget(config)}: ${message}${code ? ` (${code})` : ''}: ${advice}.`,
  );
}

/** `host:port/database`, without user and password. */
export function describeTarget(
  config: Pick<PostgresConfig, 'url' | 'dataSource'>,
): string {
  if (config.dataSource) return "the application's DataSource";
  const url = new URL(config.url);
  return `${url.hostname || 'localhost'}:${url.port || 5432}${url.pathname}`;
}

/** `localhost` may stand for two addresses; Node then throws both failures as one. */
function firstError(error: unknown): { code?: string; message: string } {
  const { errors } = (error ?? {}) as { errors?: unknown };
  if (Array.isArray(errors) && errors.length > 0) return firstError(errors[0]);
  // Not `instanceof`: an error of another realm (Jest's) is one too.
  if (types.isNativeError(error))
    return {
      code: (error as { code?: string }).code,
      message: error.message.split('\n')[0]!,
    };
  return { message: String(error) };
}

/** What was wrong, without advice. */
export function causeOf(error: unknown): string {
  const { code, message } = firstError(error);
  return code && !message.includes(code) ? `${message} (${code})` : message;
}

/** Whether Postgres refused the values themselves (SQLSTATE class 22 or 23): the same statement will never succeed. */
export function isRefusedData(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^2[23]...$/.test(code);
}

/** Whether nothing of the statement took effect, for certain: it was refused, or never sent. */
export const isNotDone = (error: unknown): boolean =>
  isRefusedData(error) ||
  error instanceof TransactionConflictError ||
  (error instanceof PostgresUnavailableError && error.outcome === 'not done');

/** Whether the statement gave up because another transaction held one of its rows, or changed it. */
export const isHeldRow = (error: unknown): boolean =>
  codeOf(error) === '55P03' || isConflict(error);

/** Whether PostgreSQL has undone the transaction because of another one: the same may succeed now. */
export function isConflict(error: unknown): boolean {
  const code = codeOf(error);
  return code === '40001' || code === '40P01';
}

/** @param lost what has to be done again: Kyu's own statement, or the caller's transaction. */
export const asConflict = (
  error: unknown,
  lost: 'statement' | 'transaction',
): TransactionConflictError =>
  new TransactionConflictError(
    `PostgreSQL gave up a statement of Kyu because of another transaction (${String(codeOf(error))}). ${
      lost === 'statement'
        ? 'It was tried several times. Nothing was stored; try again.'
        : 'The transaction that it was part of is undone. Nothing was stored; try the whole of the transaction again.'
    }`,
    { cause: error },
  );

const codeOf = (error: unknown): unknown =>
  (error as { code?: unknown } | null)?.code;

/** Nothing was sent: there was no connection to send it by. */
const NOT_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  '53300',
  '57P03',
  '28000',
  '28P01',
]);

/** The same, in node-postgres' words, which have no code. */
const NOT_SENT =
  // "not queryable" is what it says instead of sending
  /timeout exceeded when trying to connect|Connection terminated due to connection timeout|^Client (was closed|has encountered a connection error) and is not queryable|after calling end on the pool/;

/** What the caller knows of a statement that failed. `not sent`: it had no connection yet, so whatever failed was the connecting. */
export type Sending = 'sent' | 'not sent' | 'unknown';

/**
 * An error of a statement, as a caller should see it: a connection that is not there or broke, in Kyu's words; anything else (a constraint, a
 * timeout of the server) as PostgreSQL said it.
 */
export function asUnavailable(
  error: unknown,
  sending: Sending = 'unknown',
): unknown {
  if (error instanceof KyuError) return error;
  const { code, message } = firstError(error);
  const notSent =
    sending === 'not sent' ||
    (code === undefined ? NOT_SENT.test(message) : NOT_CONNECTED.has(code));
  const lost = code
    ? // Node's socket errors; class 08, connection exceptions; 57P, the server shuts down or crashed; too many connections; no login
      /^(E[A-Z_]+|08...|57P..|53300|28...)$/.test(code)
    : /connection|timeout|not queryable/i.test(message); // node-postgres' own have no code
  if (!lost && !notSent) return withoutRow(error);
  return new PostgresUnavailableError(
    `PostgreSQL cannot be reached: ${message}${code ? ` (${code})` : ''}. ` +
      (notSent
        ? 'Nothing was stored; try again when it is back.'
        : 'Whether the statement took effect is unknown; look before you repeat it.'),
    notSent ? 'not done' : 'unknown',
  );
}

/** The same for a statement in a transaction that was open: with the connection goes all that was done by it. */
export const asRolledBack = (error: unknown): unknown =>
  whenUnknown(
    error,
    () =>
      new PostgresUnavailableError(
        'The connection to PostgreSQL was lost in an open transaction, which is rolled back. Nothing was stored; try the whole of it again.',
      ),
  );

/** The same for a client of the caller: Kyu takes the caller's word that it is in a transaction, and cannot see whether it is. */
export const asLostClient = (error: unknown): unknown =>
  whenUnknown(
    error,
    () =>
      new PostgresUnavailableError(
        'The connection of this client to PostgreSQL was lost. If its transaction was open, that is rolled back and the job was not stored: try the whole of it again. ' +
          'Without an open transaction the job may have been stored: look before you repeat it.',
        'unknown',
      ),
  );

/** The same for a question that comes before the insert: whatever became of it, no job was sent. */
export const asNotSent = (error: unknown): unknown =>
  whenUnknown(
    error,
    () =>
      new PostgresUnavailableError(
        'The connection to PostgreSQL was lost before the job was sent. Nothing was stored; try again, in a new transaction if one was open.',
      ),
  );

/** What the driver said: TypeORM wraps it, and adds the values: payloads, which whoever logs the error would log. */
const driverErrorOf = (error: unknown): unknown =>
  (error as { driverError?: unknown } | null)?.driverError ?? error;

function whenUnknown(
  error: unknown,
  explain: () => PostgresUnavailableError,
): unknown {
  const explained = asUnavailable(driverErrorOf(error));
  if (isConflict(explained)) return asConflict(explained, 'transaction');
  return explained instanceof PostgresUnavailableError &&
    explained.outcome === 'unknown'
    ? explain()
    : explained;
}

/** PostgreSQL quotes the row that it refused, payload and all; whoever logs the error would log that. The message says enough. */
function withoutRow(error: unknown): unknown {
  if (types.isNativeError(error))
    for (const key of ['detail', 'where'])
      if (Object.hasOwn(error, key))
        (error as unknown as Record<string, unknown>)[key] = undefined;
  return error;
}
