import type { LoggerService } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { PostgresConfig } from '../config/kyu.config.js';
import type { KyuMode } from '../config/kyu.options.js';
import { closeDataSource, newDataSource } from './data-source.js';
import { initialize } from './held-up.js';
import { ensureSchema } from './migrator.js';
import { explainPostgresFailure } from './postgres-errors.js';
import { checkServer } from './server-check.js';
import { Sessions, type SessionRemark } from './sessions.js';

/** What the log of a boot is written by. */
export type BootLogger = Pick<LoggerService, 'log' | 'warn'>;

/**
 * Connects, looks whether sessions, server and role will do, and brings the tables up to date.
 *
 * @param mode of the process: one that only enqueues needs fewer rights.
 * @param logger gets what is unusual about Kyu's own sessions.
 * @throws {PostgresUnavailableError | UnsupportedPostgresError | MissingGrantsError | SchemaOutOfDateError}
 */
export async function openDataSource(
  config: PostgresConfig,
  mode: KyuMode = 'both',
  logger?: BootLogger,
): Promise<DataSource> {
  const dataSource = config.dataSource ?? newDataSource(config);
  try {
    if (!dataSource.isInitialized) await initialize(dataSource);
  } catch (error) {
    throw explainPostgresFailure(error, config);
  }
  try {
    const remarks = await lookAtSessions(dataSource, config);
    await checkServer(dataSource, config, mode);
    await ensureSchema(dataSource, config);
    // Kyu's own statements do not use the sessions of a data source that is lent.
    if (!config.dataSource) tell(remarks, logger);
    return dataSource;
  } catch (error) {
    await closeDataSource(dataSource, config);
    throw error;
  }
}

export const lookAtSessions = (
  dataSource: DataSource,
  config: PostgresConfig,
): Promise<SessionRemark[]> =>
  Sessions.of(dataSource)
    .look(dataSource)
    .catch((error: unknown) => {
      throw explainPostgresFailure(error, config);
    });

/** Writes to the log what is unusual about the sessions that Kyu's own statements use. */
export function tell(
  remarks: readonly SessionRemark[],
  logger: BootLogger | undefined,
): void {
  for (const { level, message } of remarks) logger?.[level](message);
}
