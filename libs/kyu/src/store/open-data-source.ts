import type { DataSource } from 'typeorm';
import type { PostgresConfig } from '../config/kyu.config.js';
import { closeDataSource, newDataSource } from './data-source.js';
import { initialize } from './held-up.js';
import { ensureSchema } from './migrator.js';
import { explainPostgresFailure } from './postgres-errors.js';

/** Connects and brings the tables up to date. @throws {PostgresUnavailableError | SchemaOutOfDateError} */
export async function openDataSource(
  config: PostgresConfig,
): Promise<DataSource> {
  const dataSource = config.dataSource ?? newDataSource(config);
  try {
    if (!dataSource.isInitialized) await initialize(dataSource);
  } catch (error) {
    throw explainPostgresFailure(error, config);
  }
  try {
    await ensureSchema(dataSource, config);
    return dataSource;
  } catch (error) {
    await closeDataSource(dataSource, config);
    throw error;
  }
}
