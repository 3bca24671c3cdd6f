import { checkKyuOptions, KYU_DATA_SOURCE, type KyuOptions } from '@kyu/nestjs';
import {
  Database,
  DueAlarm,
  IdleWorker,
  KYU_OPTIONS,
  KYU_REGISTRATION,
  KyuConfig,
  openDataSource,
  ReadyQueue,
  WorkerIdentity,
  type Registration,
} from '@kyu/nestjs/testing-internals';
import type { DataSource } from 'typeorm';
import { substitute, type Substitute } from '../substitute.js';
import { substituteQueue } from '../substitute-queue.js';
import { RealServers } from './real-servers.js';
import { RealTestbed } from './real.testbed.js';

const DATA_SOURCE = `${KYU_DATA_SOURCE}DataSource`;

/** The servers behind each registration, by what only it has. */
const servers = new WeakMap<KyuConfig, RealServers>();

/** Only where the servers are, and the names: everything else is as in production. */
export const realSubstitutes = (): readonly Substitute[] => [
  substitute(
    KyuConfig,
    [KYU_OPTIONS, KYU_REGISTRATION],
    (given, registration) =>
      leasedConfig(given as KyuOptions, registration as Registration),
  ),
  substitute(DATA_SOURCE, [KyuConfig], (config) => openLeased(config)),
  substituteQueue(
    [ReadyQueue, IdleWorker, WorkerIdentity, Database, DueAlarm],
    (
      [config, , reader, handlers, scope, runner, events],
      [readyQueue, idleWorker, worker, database, alarm],
    ) =>
      new RealTestbed({
        config,
        handlers,
        scope,
        worker,
        servers: servers.get(config)!,
        database,
        reader,
        runner,
        readyQueue: lastToClose(readyQueue, config),
        idleWorker,
        alarm,
        events,
      }),
  ),
];

async function leasedConfig(
  options: KyuOptions = {},
  registration: Registration,
): Promise<KyuConfig> {
  const lease = await RealServers.lease();
  const { schema, queueName } = lease.names;
  const { postgres, redis } = options;
  try {
    const config = checkKyuOptions(
      {
        ...options,
        // A data source that the application lends is where its own tables are.
        postgres: postgres?.dataSource
          ? postgres
          : { ...postgres, url: lease.postgres.url, schema, ssl: undefined },
        redis: redis === false ? redis : { url: lease.redis.url },
        queueName,
        metricsPort: 0,
      },
      process.env,
      registration,
    );
    servers.set(config, lease);
    return config;
  } catch (error) {
    await lease.release();
    throw error;
  }
}

/** A data source that takes its schema, and its share of the servers, with it. */
async function openLeased(config: KyuConfig): Promise<DataSource> {
  const lease = servers.get(config)!;
  let dataSource: DataSource;
  try {
    dataSource = await openDataSource(config.postgres);
  } catch (error) {
    await lease.release();
    throw error;
  }
  if (config.postgres.dataSource) return dataSource;
  const destroy = dataSource.destroy.bind(dataSource);
  dataSource.destroy = async () => {
    lease.postgres.mend(); // a test may have left it cut
    try {
      await dataSource.query(
        `DROP SCHEMA IF EXISTS "${lease.names.schema}" CASCADE`,
      );
    } finally {
      try {
        await destroy();
      } finally {
        await lease.release();
      }
    }
  };
  return dataSource;
}

/** Ids that nobody has popped would stay in a Redis that stays. A data source that is lent is not destroyed: after this, nobody needs the servers. */
function lastToClose(readyQueue: ReadyQueue, config: KyuConfig): ReadyQueue {
  const close = readyQueue.close.bind(readyQueue);
  readyQueue.close = async () => {
    await readyQueue.refill([], true).catch(() => undefined);
    await readyQueue.pop(readyQueue.window, 0);
    try {
      await close();
    } finally {
      if (config.postgres.dataSource) await servers.get(config)!.release();
    }
  };
  return readyQueue;
}
