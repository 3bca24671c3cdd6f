import type { PoolConfig } from 'pg';
import { DataSource } from 'typeorm';
import type { PostgresConfig } from '../config/kyu.config.js';
import { jobEntity } from '../job/job.entity.js';
import {
  CONNECT_TIMEOUT_MS,
  QUERY_TIMEOUT_MS,
  SESSION_TIMEOUTS,
} from './data-source.js';
import { initialize } from './held-up.js';
import { lookAtSessions, tell, type BootLogger } from './open-data-source.js';
import { Sessions } from './sessions.js';
import { poolOf } from './pool-of.js';
import { explainPostgresFailure } from './postgres-errors.js';

/**
 * Opens Kyu's own connections beside a `DataSource` that the application lends. The handlers of jobs
 * use the lent pool. When they hold all of its connections, a statement of Kyu's in that pool would
 * wait for a handler that may itself be waiting for this very statement.
 *
 * @throws {PostgresUnavailableError}
 */
export async function openBeside(
  lent: DataSource,
  config: PostgresConfig,
  logger: BootLogger,
): Promise<DataSource> {
  const sessions = new Sessions(true);
  const dataSource = new DataSource({
    type: 'postgres',
    schema: config.tables.schema,
    poolSize: config.maxConnections,
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    extra: {
      ...wayToServer(lent),
      ...ownSettings(config),
      verify: sessions.verify(SESSION_TIMEOUTS),
    },
    entities: [jobEntity(config.tables)],
    installExtensions: false,
    synchronize: false,
    logging: false,
    poolErrorHandler: () => undefined, // the next query that fails says so itself
  });
  sessions.belongTo(dataSource);
  try {
    await initialize(dataSource);
  } catch (error) {
    throw explainPostgresFailure(error, config);
  }
  try {
    tell(await lookAtSessions(dataSource, config), logger);
    return dataSource;
  } catch (error) {
    await dataSource.destroy().catch(() => undefined);
    throw error;
  }
}

/** As the lent pool has it, TypeORM's `replication` and `extra` included. */
function wayToServer(lent: DataSource): PoolConfig {
  const { options } = poolOf(lent);
  const { password, ssl } = options;
  return {
    ...options,
    // node-postgres hides these two from a copy.
    password,
    ssl: ssl && typeof ssl === 'object' ? { ...ssl, key: ssl.key } : ssl,
  };
}

const ownSettings = (config: PostgresConfig): PoolConfig => ({
  application_name: 'kyu',
  max: config.maxConnections,
  min: Math.min(config.minConnections, config.maxConnections),
  maxLifetimeSeconds: Math.ceil(config.maxLifetimeMs / 1000),
  connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  query_timeout: QUERY_TIMEOUT_MS,
  keepAlive: true,
  allowExitOnIdle: true,
});
