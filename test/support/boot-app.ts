import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import type { KyuOptions } from '@kyu/nestjs';
import { isolated } from '@kyu/testing';
import { Test, type TestingModuleOptions } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { MemoryLogger } from './memory-logger.js';
import { POSTGRES_URL, REDIS_URL } from './servers.js';

/** Tables and a queue that no other test uses; they go after the test. */
export interface Ground {
  schema: string;
  queueName: string;
  logger: MemoryLogger;
  /** Options of `KyuModule.forRoot()` that lead here. */
  options(more?: KyuOptions): KyuOptions;
  /** Runs SQL; `jobs` and `workers` stand for the tables. */
  sql<Row = Record<string, unknown>>(
    text: string,
    values?: unknown[],
  ): Promise<Row[]>;
}

export function newGround(): Ground {
  const { schema, queueName } = isolated();
  const logger = new MemoryLogger();
  const ground: Ground = {
    schema,
    queueName,
    logger,
    options: ({ postgres, ...more } = {}) => ({
      redis: { url: REDIS_URL },
      queueName,
      metricsPort: 0,
      logger,
      ...more,
      postgres: {
        schema,
        ...(postgres?.dataSource ? {} : { url: POSTGRES_URL }),
        ...postgres,
      },
    }),
    sql: (text, values) =>
      runSql(
        text
          .replace(/\bjobs\b/g, `"${schema}".kyu_jobs`)
          .replace(/\bworkers\b/g, `"${schema}".kyu_workers`),
        values,
      ),
  };
  grounds.push(ground);
  return ground;
}

/** Each call on a connection of its own, so that no open connection disturbs a test that counts them. */
export async function runSql<Row = Record<string, unknown>>(
  text: string,
  values: unknown[] = [],
  url = POSTGRES_URL,
): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text, values)).rows as Row[];
  } finally {
    await client.end();
  }
}

/**
 * Boots an application of any modules, with an HTTP server that does not listen; it is closed after the test. `prepare` may add
 * global enhancers or register handlers.
 */
export async function bootApp(
  metadata: ModuleMetadata,
  prepare: (app: INestApplication) => void = () => undefined,
  options?: TestingModuleOptions,
): Promise<INestApplication> {
  const module = await Test.createTestingModule(metadata, options).compile();
  const app = module.createNestApplication({ logger: false });
  let closed: Promise<void> | undefined;
  const close = app.close.bind(app);
  app.close = () => (closed ??= close());
  apps.push(app);
  prepare(app);
  return app.init();
}

const apps: INestApplication[] = [];
const grounds: Ground[] = [];

afterEach(async () => {
  for (const app of apps.splice(0).reverse())
    await app.close().catch(() => undefined);
  for (const { schema, queueName } of grounds.splice(0)) {
    await runSql(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
    const redis = new Redis(REDIS_URL);
    await redis.del(queueName, `{${queueName}}:clipped`);
    redis.disconnect();
  }
});
