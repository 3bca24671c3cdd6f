import { randomUUID } from 'node:crypto';
import { startEmbeddedRedis, type EmbeddedServer } from '@kyu/embedded';
import { KyuHealth, migrateKyu, revertKyuMigration } from '@kyu/nestjs';
import { isolated, until } from '@kyu/testing';
import { Redis } from 'ioredis';
import { POSTGRES_URL } from '../support/servers.js';
import {
  startKyu,
  type StartOptions,
  type TestKyu,
} from '../support/start-kyu.js';

let server: EmbeddedServer;
let redis: Redis;
beforeAll(async () => {
  server = await startEmbeddedRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

const markOf = (queueName: string): string => `{${queueName}}:owner`;

const start = (options: StartOptions = {}): Promise<TestKyu> =>
  startKyu({
    ...options,
    options: { redis: { url: server.url }, ...options.options },
  });

const startWorker = (beside: StartOptions['beside']): Promise<TestKyu> =>
  start({ beside, handlers: { work: () => undefined } });

const startProducer = (beside?: StartOptions['beside']): Promise<TestKyu> =>
  start({ beside, options: { mode: 'producer' } });

/** Of another database, under the same queueName. */
const elsewhere = ({ queueName }: TestKyu): StartOptions['beside'] => ({
  schema: isolated().schema,
  queueName,
});

const many = (count: number) =>
  Array.from({ length: count }, () => ({ type: 'work', payload: null }));

const staged = (kyu: TestKyu): Promise<string[]> =>
  redis.zrange(kyu.queueName, 0, -1);

/** Lines that speak of the key and its owner. */
const ownerLines = (kyu: TestKyu): string[] =>
  kyu.logger.lines
    .map(({ message }) => message)
    .filter((line) => line.startsWith('The key'));

async function run(producer: TestKyu, worker: TestKyu, count: number) {
  const settled = new Set<string>();
  const stop = worker.events.on('job.settled', ({ id }) => settled.add(id));
  const ids = await producer.queue.enqueueMany(many(count));
  await until(`${count} jobs to run`, () => ids.every((id) => settled.has(id)));
  stop();
  return ids;
}

describe('field 18: two databases meet in one Redis under one queueName', () => {
  it('the second neither pops nor stages, says so once, and gets the key when the first has gone', async () => {
    const owner = await startProducer();
    const waiting = await owner.queue.enqueueMany(many(30));
    await until('them to be staged', async () => {
      return (await staged(owner)).length === waiting.length;
    });

    const stranger = await startWorker(elsewhere(owner));
    const producer = await startProducer(stranger);
    const health = (): Promise<unknown> => stranger.app.get(KyuHealth).check();
    for (let i = 0; i < 5; i++) await run(producer, stranger, 10);
    expect((await staged(owner)).sort()).toEqual([...waiting].sort());
    for (const kyu of [stranger, producer])
      expect(ownerLines(kyu)).toEqual([
        expect.stringMatching(
          new RegExp(
            `^The key "${owner.queueName}" of Redis at .+ belongs to the tables ".+/${owner.schema}\\.kyu_jobs": set a queueName`,
          ),
        ),
      ]);
    expect(ownerLines(owner)).toEqual([]);
    expect(await health()).toMatchObject({
      status: 'degraded',
      redis: 'up',
      warnings: [expect.stringContaining('queueName')],
    });

    await owner.close();
    await redis.del(markOf(owner.queueName)); // its life is over
    await until(
      'the key to be the other one’s',
      () => ownerLines(stranger).length === 2,
      15_000,
    );
    expect(ownerLines(stranger)[1]).toMatch(/belongs to this application now/);
    expect(await staged(owner)).toEqual([]); // the ids of others went with it
    expect(await health()).toMatchObject({ status: 'up', problems: [] });
    await run(producer, stranger, 10);
  });

  it('a FLUSHALL takes the mark along, and its owner renews it before a stranger may take it', async () => {
    const owner = await startWorker(undefined);
    const producer = await startProducer(owner);
    const mark = await redis.get(markOf(owner.queueName));
    expect(mark).toContain(`/${owner.schema}.kyu_jobs`);
    const stranger = await startWorker(elsewhere(owner));
    await redis.flushall();
    // As after a restart: both connect again, and the stranger must not be the first to set its mark.
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await run(producer, owner, 5);
    await until('the owner to be known again', async () => {
      return (await redis.get(markOf(owner.queueName))) === mark;
    });
    expect(ownerLines(owner)).toEqual([]);
    expect(ownerLines(stranger)).toHaveLength(1);
  });

  it('a producer alone keeps the key of its tables', async () => {
    const producer = await startProducer();
    const key = markOf(producer.queueName);
    await until('the mark', () => redis.get(key));
    await redis.pexpire(key, 8_000);
    await until('it to be renewed', async () => {
      return (await redis.pttl(key)) > 8_000;
    });
  });

  it('ids that the tables do not know are logged once, and cost nothing else', async () => {
    const owner = await startWorker(undefined);
    const producer = await startProducer(owner);
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 20; j++)
        await redis.zadd(owner.queueName, -9, randomUUID());
      await run(producer, owner, 2);
    }
    await until('the warning', () => owner.logger.messages('warn').length > 0);
    expect(owner.logger.messages('warn')).toEqual([
      expect.stringMatching(/holds ids of no job in these tables/),
    ]);
  });

  it('a Redis user without a right to the mark works as before, with one warning', async () => {
    const names = isolated();
    const key = names.queueName;
    const rules = ['+@all', `~${key}`, `~{${key}}:clipped`];
    await redis.call(
      'ACL',
      'SETUSER',
      'old',
      'reset',
      'on',
      '>s3cret',
      ...rules,
    );
    const url = server.url.replace('://', '://old:s3cret@');
    const kyu = await startKyu({
      beside: names,
      options: { redis: { url } },
      handlers: { work: () => undefined },
    });
    const producer = await startKyu({
      beside: names,
      options: { redis: { url }, mode: 'producer' },
    });
    await run(producer, kyu, 5);
    expect(kyu.logger.messages('warn')).toEqual([
      expect.stringMatching(/does not let Kyu use the key "\{.+\}:owner"/),
    ]);
    expect(await kyu.app.get(KyuHealth).check()).toMatchObject({
      status: 'up',
    });
    expect(await redis.exists(markOf(key))).toBe(0);
  });

  it('tables of the version before get their id beside living rows, and a mark by it', async () => {
    const before = await startProducer();
    const postgres = { url: POSTGRES_URL, schema: before.schema };
    const id = await before.queue.enqueue('work', null);
    const key = markOf(before.queueName);
    const mark = await redis.get(key);
    const migration = await revertKyuMigration(postgres);
    expect(migration).toMatch(/^KyuTablesId/);
    await before.close();
    await redis.del(key); // the version before has none
    expect(await migrateKyu(postgres)).toEqual([migration]);

    const producer = await startProducer(before);
    const worker = await startWorker(before);
    expect(await producer.queue.inspect(id)).toBeDefined();
    await until(
      'the job to run',
      async () => (await worker.queue.inspect(id)).status === 'completed',
    );
    const next = await redis.get(key);
    expect(next).toMatch(
      new RegExp(`^[0-9a-f-]{36}-\\d+-\\d+ .+/${before.schema}\\.kyu_jobs$`),
    );
    expect(next).not.toBe(mark); // each migration makes an id
    await run(producer, worker, 5);
    for (const kyu of [producer, worker]) expect(ownerLines(kyu)).toEqual([]);
  });

  it('processes of the version before, which know no mark, work beside those that do', async () => {
    const runs = new Map<string, number>();
    const producer = await startProducer();
    const worker = await start({
      beside: producer,
      handlers: {
        work: (_: never, { id }) => {
          runs.set(id, (runs.get(id) ?? 0) + 1);
        },
      },
    });
    const key = producer.queueName;
    const mark = await redis.get(markOf(key));
    expect(mark).not.toBeNull();
    const ids: string[] = [];
    for (let round = 0; round < 10; round++) {
      const enqueued = await producer.queue.enqueueMany(many(10));
      ids.push(...enqueued);
      // Another worker pops some, and gives back what it cannot run; another producer stages.
      const popped = await redis.zpopmin(key, 3);
      for (let i = 0; i < popped.length; i += 2)
        await redis.zadd(key, popped[i + 1]!, popped[i]!);
      for (const id of enqueued) await redis.zadd(key, 0, id);
    }
    await until('all to run', () => runs.size === ids.length, 30_000);
    await until(
      'the set to be empty',
      async () => (await staged(producer)).length === 0,
      30_000,
    );
    await run(producer, worker, 5);
    for (const id of ids) expect(runs.get(id)).toBe(1);
    for (const kyu of [producer, worker]) {
      expect(ownerLines(kyu)).toEqual([]);
      expect(kyu.logger.messages('warn')).toEqual([]);
    }
    expect(await redis.get(markOf(key))).toBe(mark);
  }, 90_000);
});
