import { types } from 'node:util';
import type { PostgresConfig } from '../config/kyu.config.js';
import { PostgresUnavailableError } from '../errors/kyu.errors.js';

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
    '42501':
      "the user lacks a right; grant it, or migrate with another role and set postgres.migrations to 'manual'",
  }),
);

/** Every error of a failed boot in one sentence: host, port, cause, cure. Never the password. */
export function explainPostgresFailure(
  error: unknown,
  config: Pick<PostgresConfig, 'url' | 'dataSource'>,
): PostgresUnavailableError {
  const { code, message } = firstError(error);
  const advice =
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
  (error instanceof PostgresUnavailableError && error.outcome === 'not done');

/**
 * Whether the statement gave up because somebody held a row that it wanted: waited too long for it, or in a circle; or found it changed afterwards, where the
 * sessions are of the application and their isolation is stricter than ours.
 */
export function isHeldRow(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === '55P03' || code === '40P01' || code === '40001';
}

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

/**
 * An error of a statement, as a caller should see it: a connection that is not there or broke, in Kyu's words; anything else (a constraint, a
 * timeout of the server) as PostgreSQL said it.
 */
export function asUnavailable(error: unknown): unknown {
  const { code, message } = firstError(error);
  const lost = code
    ? // Node's socket errors; class 08, connection exceptions; 57P, the server shuts down or crashed; too many connections; no login
      /^(E[A-Z_]+|08...|57P..|53300|28...)$/.test(code)
    : /connection|timeout|not queryable/i.test(message); // node-postgres' own have no code
  if (!lost) return withoutRow(error);
  const outcome =
    (code !== undefined && NOT_CONNECTED.has(code)) ||
    /timeout exceeded when trying to connect/.test(message)
      ? 'not done'
      : 'unknown';
  return new PostgresUnavailableError(
    `PostgreSQL cannot be reached: ${message}${code ? ` (${code})` : ''}. ` +
      (outcome === 'not done'
        ? 'Nothing was stored; try again when it is back.'
        : 'Whether the statement took effect is unknown; look before you repeat it.'),
    outcome,
  );
}

/** The same for a statement in a transaction that is open still: with the connection goes all that was done by it. */
export function asNotCommitted(error: unknown): unknown {
  // TypeORM wraps what the driver said, and adds the values: payloads, which whoever logs the error would log.
  const cause = (error as { driverError?: unknown } | null)?.driverError;
  const explained = asUnavailable(cause ?? error);
  return explained instanceof PostgresUnavailableError &&
    explained.outcome === 'unknown'
    ? new PostgresUnavailableError(
        'The connection to PostgreSQL was lost in an open transaction, which is rolled back. Nothing was stored; try the whole of it again.',
      )
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
