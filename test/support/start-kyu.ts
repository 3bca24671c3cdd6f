import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import {
  KyuEvents,
  KyuModule,
  QueueService,
  type JobHandlerFunction,
  type KyuEvent,
  type KyuEventMap,
  type KyuOptions,
} from '@kyu/nestjs';
import { isolated, nextEvent } from '@kyu/testing';
import { Test } from '@nestjs/testing';
import { Client } from 'pg';
import { Redis } from 'ioredis';
import { MemoryLogger } from './memory-logger.js';
import { POSTGRES_URL, REDIS_URL } from './servers.js';

export interface StartOptions extends Pick<
  ModuleMetadata,
  'imports' | 'providers' | 'controllers'
> {
  /** By type, for `queue.register()`. */
  handlers?: Record<string, JobHandlerFunction<never>>;
  options?: KyuOptions;
  /** Share the tables and the queue of another one. */
  beside?: Pick<TestKyu, 'schema' | 'queueName'>;
}

/** An application with Kyu on the test servers, with tables and a key of its own. */
export interface TestKyu {
  app: INestApplication;
  queue: QueueService;
  events: KyuEvents;
  logger: MemoryLogger;
  schema: string;
  queueName: string;
  /** Runs SQL on another connection; `jobs` and `workers` stand for the tables. */
  sql<Row = Record<string, unknown>>(
    text: string,
    values?: unknown[],
  ): Promise<Row[]>;
  redis: Redis;
  nextEvent<E extends KyuEvent>(
    event: E,
    match?: (data: KyuEventMap[E]) => boolean,
  ): Promise<KyuEventMap[E]>;
  /** Closes the application; the schema and the keys go after each test file's last test. */
  close(): Promise<void>;
}

const started: TestKyu[] = [];

export async function startKyu({
  handlers = {},
  options = {},
  beside,
  imports = [],
  ...metadata
}: StartOptions = {}): Promise<TestKyu> {
  const { schema, queueName } = beside ?? isolated();
  const logger = new MemoryLogger();
  const module = await Test.createTestingModule({
    ...metadata,
    imports: [
      KyuModule.forRoot({
        redis: { url: REDIS_URL },
        queueName,
        metricsPort: 0,
        logger,
        ...options,
        postgres: { url: POSTGRES_URL, schema, ...options.postgres },
      }),
      ...imports,
    ],
  }).compile();
  const app = module.createNestApplication({ logger: false });
  const queue = app.get(QueueService);
  for (const [type, handler] of Object.entries(handlers))
    queue.register(type, handler);
  await app.init();

  const client = new Client({ connectionString: POSTGRES_URL });
  await client.connect();
  const redis = new Redis(REDIS_URL);
  const events = app.get(KyuEvents);
  let closed: Promise<void> | undefined;
  const kyu: TestKyu = {
    app,
    queue,
    events,
    logger,
    schema,
    queueName,
    redis,
    sql: async <Row>(text: string, values: unknown[] = []) => {
      const { rows } = await client.query(
        text
          .replace(/\bjobs\b/g, `"${schema}".kyu_jobs`)
          .replace(/\bworkers\b/g, `"${schema}".kyu_workers`),
        values,
      );
      return rows as Row[];
    },
    nextEvent: (event, match) => nextEvent(events, event, match),
    close: () => (closed ??= app.close()),
  };
  started.push(kyu);
  cleanups.set(kyu, async () => {
    await client.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
    await redis.del(queueName, `{${queueName}}:clipped`);
    await client.end();
    redis.disconnect();
  });
  return kyu;
}

const cleanups = new Map<TestKyu, () => Promise<void>>();

afterEach(async () => {
  const ended = started.splice(0).reverse();
  for (const kyu of ended) await kyu.close();
  // Then the tables, which several may share: one that still settles would wait for them until its drain is over.
  for (const kyu of ended) await cleanups.get(kyu)?.();
  cleanups.clear();
});
