import type { DataSource } from 'typeorm';
import type { PostgresConfig } from '../config/kyu.config.js';
import { closeDataSource, newDataSource } from './data-source.js';
import { ensureSchema } from './migrator.js';
import { explainPostgresFailure } from './postgres-errors.js';
import { Sessions } from './sessions.js';

/**
 * Connects, looks at the session and brings the tables up to date.
 *
 * @param say gets what the log should tell of the sessions.
 * @throws {PostgresUnavailableError | SchemaOutOfDateError}
 */
export async function openDataSource(
  config: PostgresConfig,
  say: (remark: string) => void = () => undefined,
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
    remarks.forEach(say);
    return dataSource;
  } catch (error) {
    await closeDataSource(dataSource, config);
    throw error;
  }
}

const lookAtSessions = (
  dataSource: DataSource,
  config: PostgresConfig,
): Promise<string[]> =>
  Sessions.of(dataSource)
    .look(dataSource)
    .catch((error: unknown) => {
      throw explainPostgresFailure(error, config);
    });
