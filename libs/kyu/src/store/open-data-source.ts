import type { LoggerService } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { PostgresConfig } from '../config/kyu.config.js';
import { closeDataSource, newDataSource } from './data-source.js';
import { ensureSchema } from './migrator.js';
import { explainPostgresFailure } from './postgres-errors.js';
import { Sessions, type SessionRemark } from './sessions.js';

/**
 * Connects, looks at the session and brings the tables up to date.
 *
 * @param logger gets what is unusual about the sessions.
 * @throws {PostgresUnavailableError | SchemaOutOfDateError}
 */
export async function openDataSource(
  config: PostgresConfig,
  logger?: Pick<LoggerService, 'log' | 'warn'>,
): Promise<DataSource> {
  const dataSource = config.dataSource ?? newDataSource(config);
  try {
    if (!dataSource.isInitialized) await dataSource.initialize();
  } catch (error) {
    throw explainPostgresFailure(error, config);
  }
  try {
    const remarks = await lookAtSessions(dataSource, config);
    await ensureSchema(dataSource, config);
    for (const { level, message } of remarks) logger?.[level](message);
    return dataSource;
  } catch (error) {
    await closeDataSource(dataSource, config);
    throw error;
  }
}

const lookAtSessions = (
  dataSource: DataSource,
  config: PostgresConfig,
): Promise<SessionRemark[]> =>
  Sessions.of(dataSource)
    .look(dataSource)
    .catch((error: unknown) => {
      throw explainPostgresFailure(error, config);
    });
