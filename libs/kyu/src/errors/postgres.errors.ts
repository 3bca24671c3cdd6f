import { brand } from './brand.js';
import { KyuBootError, PostgresUnavailableError } from './kyu.errors.js';

/**
 * The server is older than any version of PostgreSQL that Kyu's statements run on. Thrown at boot.
 *
 * @publicApi
 */
export class UnsupportedPostgresError extends KyuBootError {
  constructor(version: string, minimum: string) {
    super(
      'KYU_UNSUPPORTED_POSTGRES',
      `This server is PostgreSQL ${version}, and Kyu needs ${minimum} or later. Upgrade it, or let postgres.url lead to another one.`,
    );
  }
}

/**
 * The role that Kyu connects with may not use the tables of Kyu as it must. Thrown at boot.
 *
 * @publicApi
 */
export class MissingGrantsError extends KyuBootError {
  /** @param statements what grants the missing rights, one statement each. */
  constructor(readonly statements: readonly string[]) {
    super(
      'KYU_MISSING_GRANTS',
      `The role of this process lacks rights on Kyu's tables. Let their owner run:\n${statements.map((statement) => `  ${statement}`).join('\n')}`,
    );
  }
}

/**
 * This process was too busy to hear from PostgreSQL, which need not be away: no outage of a server.
 * To a caller it is a {@link PostgresUnavailableError} like any other.
 */
export class ProcessBusyError extends PostgresUnavailableError {}

for (const [name, type] of Object.entries({
  UnsupportedPostgresError,
  MissingGrantsError,
}))
  brand(type, name);
