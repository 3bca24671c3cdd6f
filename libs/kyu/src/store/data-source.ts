import { DataSource } from 'typeorm';
import type { PostgresConfig } from '../config/kyu.config.js';
import { jobEntity } from '../job/job.entity.js';
import { createMigrations } from './migrations/create-migrations.js';

/** A server that does not answer at all must not hang the boot for ever. */
export const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Milliseconds. No statement of Kyu's takes a second; one that takes this long is stuck, and so is whoever waits for it. The client's own timeout is
 * longer than the server's: it is for connections whose other end is gone without a word (half-open), and destroys them.
 */
const SESSION_TIMEOUTS = {
  statement_timeout: 20_000,
  lock_timeout: 10_000,
  idle_in_transaction_session_timeout: 60_000,
  query_timeout: 25_000,
};

/** Firewalls and load balancers forget connections that are silent for some minutes, and tell nobody: what then goes out on one is lost until its timeout. */
const KEEP_ALIVE_MS = 30_000;

/**
 * A plan that was made while the table was small is kept and would read all of it when it is not: a queue is empty one moment and has a million rows the
 * next. Every statement of Kyu's has its index and reads it from its head, in order, so none is worse off: a window of ten thousand ids needs no bitmap of
 * all that waits, sorted by several processes. None is so long that compiling it would pay. The statements are written for READ COMMITTED: where the
 * server's default is stricter, two workers that meet at a row would fail instead of one passing it over.
 */
const SESSION = String.raw`-c enable_seqscan=off -c enable_bitmapscan=off -c max_parallel_workers_per_gather=0 -c jit=off -c plan_cache_mode=force_generic_plan -c default_transaction_isolation=read\ committed`;

/**
 * A `DataSource` on Kyu's tables. Built here and not by `TypeOrmModule.forRoot`, which retries for half a minute with a stack trace
 * each time, and closes at shutdown whatever it was given, the application's own data source included.
 */
export function newDataSource(
  config: PostgresConfig,
  poolSize = config.maxConnections,
  timeouts: Partial<typeof SESSION_TIMEOUTS> = SESSION_TIMEOUTS,
): DataSource {
  return new DataSource({
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
      options: SESSION,
      ...timeouts,
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
}

/** Closes what Kyu opened, and never what the application lent. */
export async function closeDataSource(
  dataSource: DataSource,
  config: PostgresConfig,
): Promise<void> {
  if (!config.dataSource && dataSource.isInitialized)
    await dataSource.destroy();
}
