import type { DataSource } from 'typeorm';
import type { PostgresConfig } from '../config/kyu.config.js';
import type { KyuMode } from '../config/kyu.options.js';
import { KyuError } from '../errors/kyu.errors.js';
import { closeDataSource, newDataSource } from './data-source.js';
import { initialize } from './held-up.js';
import { ensureSchema } from './migrator.js';
import { explainPostgresFailure } from './postgres-errors.js';
import { checkServer } from './server-check.js';

/**
 * Connects, looks whether server and role will do, and brings the tables up to date.
 *
 * @param mode of the process: one that only enqueues needs fewer rights.
 * @throws {PostgresUnavailableError | UnsupportedPostgresError | MissingGrantsError | SchemaOutOfDateError}
 */
export async function openDataSource(
  config: PostgresConfig,
  mode: KyuMode = 'both',
): Promise<DataSource> {
  const dataSource = config.dataSource ?? newDataSource(config);
  try {
    if (!dataSource.isInitialized) await initialize(dataSource);
  } catch (error) {
    throw explainPostgresFailure(error, config);
  }
  try {
    await checkServer(dataSource, config, mode).catch((error: unknown) => {
      throw error instanceof KyuError
        ? error
        : explainPostgresFailure(error, config);
    });
    await ensureSchema(dataSource, config);
    return dataSource;
  } catch (error) {
    await closeDataSource(dataSource, config);
    throw error;
  }
}
