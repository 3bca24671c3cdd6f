import { DataSource, MigrationExecutor, type QueryRunner } from 'typeorm';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import type { PostgresConfig } from '../config/kyu.config.js';
import type { KyuPostgresOptions } from '../config/kyu.options.js';
import { resolveOptions } from '../config/resolve-options.js';
import { KyuError, SchemaOutOfDateError } from '../errors/kyu.errors.js';
import { newDataSource } from './data-source.js';
import { initialize } from './held-up.js';
import { withMigrationLock } from './migration-lock.js';
import {
  createMigrations,
  MIGRATION_NAMES,
} from './migrations/create-migrations.js';
import { explainPostgresFailure } from './postgres-errors.js';
import { sqlNames } from './statement.js';

/**
 * Brings the tables up to date. Safe to call from several processes at once: one works, the others wait for it.
 *
 * @returns the names of the migrations that it ran; none when the tables were up to date.
 * @throws {InvalidOptionsError | PostgresUnavailableError}
 * @publicApi
 */
export async function migrateKyu(
  options: KyuPostgresOptions = {},
): Promise<string[]> {
  return migrate(resolveOptions({ postgres: options }).postgres);
}

/**
 * Takes back the newest migration. The first one's way back drops the tables, with every job in them.
 *
 * @returns the name of the migration that it took back, or undefined when there was none.
 * @throws {InvalidOptionsError | PostgresUnavailableError}
 * @publicApi
 */
export async function revertKyuMigration(
  options: KyuPostgresOptions = {},
): Promise<string | undefined> {
  const config = resolveOptions({ postgres: options }).postgres;
  return locked(config, async (dataSource, runner) => {
    const before = await executedMigrations(runner, config);
    await new MigrationExecutor(dataSource, runner).undoLastMigration();
    const after = new Set(await executedMigrations(runner, config));
    return before.find((name) => !after.has(name));
  });
}

/** At boot: migrates, or refuses to start when that is to be done by hand. */
export async function ensureSchema(
  dataSource: DataSource,
  config: PostgresConfig,
): Promise<void> {
  const runner = dataSource.createQueryRunner();
  let pending: string[];
  try {
    const executed = new Set(await executedMigrations(runner, config));
    pending = MIGRATION_NAMES.filter((name) => !executed.has(name));
  } catch (error) {
    throw explainPostgresFailure(error, config);
  } finally {
    await runner.release();
  }
  // Up to date: no lock, and no statement that a role without DDL rights may not run.
  if (pending.length === 0) return;
  if (config.migrations === 'manual') throw new SchemaOutOfDateError(pending);
  await migrate(config);
}

/** Of the client, in milliseconds: an index on a large table takes its time. */
const NO_TIMEOUT = 0;

const migrate = (config: PostgresConfig): Promise<string[]> =>
  locked(config, async (dataSource, runner) => {
    const { schema } = sqlNames(config.tables);
    // Asked first: IF NOT EXISTS needs the right to create even where there is nothing to create.
    const [found] = (await runner.query(
      'SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1',
      [config.tables.schema],
    )) as unknown[];
    if (!found) await runner.query(`CREATE SCHEMA ${schema}`);
    const done = await new MigrationExecutor(
      dataSource,
      runner,
    ).executePendingMigrations();
    return done.map(({ name }) => name);
  });

/**
 * Runs `work` on a connection of its own, in a transaction that holds the lock. The data source is
 * Kyu's own, too: that of the application would run the application's migrations.
 */
async function locked<T>(
  config: PostgresConfig,
  work: (dataSource: DataSource, runner: QueryRunner) => Promise<T>,
): Promise<T> {
  const dataSource = migrationDataSource(config);
  try {
    await initialize(dataSource);
    const runner = dataSource.createQueryRunner();
    try {
      return await withMigrationLock(runner, config.tables.schema, () =>
        work(dataSource, runner),
      );
    } finally {
      await runner.release();
    }
  } catch (error) {
    if (error instanceof KyuError) throw error;
    throw explainPostgresFailure(error, config);
  } finally {
    if (dataSource.isInitialized) await dataSource.destroy();
  }
}

function migrationDataSource(config: PostgresConfig): DataSource {
  // One connection is enough: TypeORM reads and writes its list of migrations by the runner that the
  // migration has.
  if (!config.dataSource) return newDataSource(config, 1, NO_TIMEOUT);
  const { tables } = config;
  return new DataSource({
    ...(config.dataSource.options as PostgresDataSourceOptions),
    schema: tables.schema,
    entities: [],
    subscribers: [],
    migrations: createMigrations(tables),
    migrationsTableName: `${tables.prefix}migrations`,
    migrationsRun: false,
    synchronize: false,
    dropSchema: false,
    cache: false, // it might answer with an old list of migrations
    poolSize: 1,
  });
}

async function executedMigrations(
  runner: QueryRunner,
  { tables }: PostgresConfig,
): Promise<string[]> {
  const { migrations } = sqlNames(tables);
  const [table] = (await runner.query(
    'SELECT pg_catalog.to_regclass($1) AS name',
    [migrations],
  )) as [{ name: string | null }];
  if (!table.name) return [];
  const rows = (await runner.query(
    `SELECT name FROM ${migrations} ORDER BY id`,
  )) as { name: string }[];
  return rows.map(({ name }) => name);
}
