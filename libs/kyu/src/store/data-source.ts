import { DataSource } from 'typeorm';
import type { PostgresConfig } from '../config/kyu.config.js';
import { jobEntity } from '../job/job.entity.js';
import { createMigrations } from './migrations/create-migrations.js';
import type { SessionTimeouts } from './session-settings.sql.js';
import { Sessions } from './sessions.js';

/** A server that does not answer at all must not hang the boot for ever. */
export const CONNECT_TIMEOUT_MS = 10_000;

/** Milliseconds. No statement of Kyu's takes a second; one that takes this long is stuck. */
export const SESSION_TIMEOUTS: SessionTimeouts = {
  statement_timeout: 20_000,
  lock_timeout: 10_000,
  idle_in_transaction_session_timeout: 60_000,
};

/**
 * The client's own timeout is longer than the server's. It is for connections whose other end is
 * gone without a word (half-open), and destroys them.
 */
export const QUERY_TIMEOUT_MS = 25_000;

/** Firewalls and load balancers forget connections that are silent for some minutes, and tell nobody: what then goes out on one is lost until its timeout. */
const KEEP_ALIVE_MS = 30_000;

/**
 * A `DataSource` on Kyu's tables. Built here and not by `TypeOrmModule.forRoot`, which retries for half a minute with a stack trace
 * each time, and closes at shutdown whatever it was given, the application's own data source included.
 *
 * @param queryTimeoutMs 0: statements may take as long as they need.
 */
export function newDataSource(
  config: PostgresConfig,
  poolSize = config.maxConnections,
  queryTimeoutMs = QUERY_TIMEOUT_MS,
): DataSource {
  const sessions = new Sessions(true);
  const dataSource = new DataSource({
    type: 'postgres',
    url: config.url,
    ...(config.ssl !== undefined && { ssl: config.ssl }),
    schema: config.tables.schema,
    applicationName: 'kyu',
    poolSize,
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    extra: {
      min: Math.min(config.minConnections, poolSize),
      maxLifetimeSeconds: Math.ceil(config.maxLifetimeMs / 1000),
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
      // Nest calls no hook after a boot that failed in somebody's constructor: then nobody closes the pool, and it must not hold the process.
      allowExitOnIdle: true,
      query_timeout: queryTimeoutMs,
      // Not by parameters of the connection (`options`, `statement_timeout`): poolers refuse them.
      verify: sessions.verify(SESSION_TIMEOUTS),
    },
    entities: [jobEntity(config.tables)],
    migrations: createMigrations(config.tables),
    migrationsTableName: `${config.tables.prefix}migrations`,
    installExtensions: false, // ids are made by the client
    synchronize: false,
    logging: false,
    // An idle connection that breaks is replaced by the pool; the next query that fails says so itself.
    poolErrorHandler: () => undefined,
  });
  sessions.belongTo(dataSource);
  return dataSource;
}

/** Closes what Kyu opened, and never what the application lent. */
export async function closeDataSource(
  dataSource: DataSource,
  config: PostgresConfig,
): Promise<void> {
  if (!config.dataSource && dataSource.isInitialized)
    await dataSource.destroy();
}
