import { PostgresUnavailableError } from '../errors/kyu.errors.js';
import { ProcessBusyError } from '../errors/postgres.errors.js';

/**
 * The server takes no writes (it became a standby), or has no room: of disk, memory or connections.
 */
const TAKES_NONE = /^(25006|53...)$/;

/**
 * Whether a statement failed because PostgreSQL cannot be used now, and not for what it says.
 * `PostgresOutage` tells of that, once for all: who gets such an error tries again, and writes
 * nothing.
 */
export const isOutage = (error: unknown): boolean =>
  takesNone(error) ||
  (error instanceof PostgresUnavailableError &&
    !(error instanceof ProcessBusyError));

export const takesNone = (error: unknown): boolean => {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && TAKES_NONE.test(code);
};
