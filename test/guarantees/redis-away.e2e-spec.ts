import { startEmbeddedRedis, type EmbeddedServer } from '@kyu/embedded';
import { until } from '@kyu/testing';
import { Redis } from 'ioredis';
import { FaultProxy } from '../support/fault-proxy.js';
import { Gate } from '../support/gate.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

/** I15: Redis may be gone, slow, full, empty or somebody else's, on a server of its own. */

let server: EmbeddedServer;
let redis: Redis;
beforeAll(async () => {
  server = await startEmbeddedRedis();
});
beforeEach(() => {
  redis = new Redis(server.url);
  redis.on('error', () => undefined);
});
afterEach(() => redis.disconnect());
afterAll(() => server.stop());

const start = (
  handlers: Parameters<typeof startKyu>[0] & object = {},
): Promise<TestKyu> =>
  startKyu({
    ...handlers,
    options: { redis: { url: server.url }, ...handlers.options },
  });

const many = (count: number) =>
  Array.from({ length: count }, () => ({ type: 'work', payload: null }));

/** Milliseconds until `count` new jobs have run. */
async function run(kyu: TestKyu, count: number): Promise<number> {
  const startedAt = performance.now();
  let settled = 0;
  const stop = kyu.events.on('job.settled', () => settled++);
  await kyu.queue.enqueueMany(many(count));
  await until(`${count} jobs to run`, () => settled === count, 25_000);
  stop();
  return performance.now() - startedAt;
}

/** Enqueues until an id is in Redis again: a producer's way back. */
function backInRedis(kyu: TestKyu): Promise<unknown> {
  const ids: string[] = []; // staging is not waited for: look at those before, too
  return until('ids to be staged again', async () => {
    // Two: an idle worker would keep one to itself.
    ids.push(...(await kyu.queue.enqueueMany(many(2))));
    const scores = await redis.zmscore(kyu.queueName, ...ids);
    return scores.some((score) => score !== null);
  });
}

it('I15 after FLUSHALL, and after a restart that lost everything, each due job is claimed within 5 s', async () => {
  const gate = new Gate();
  const kyu = await start({
    options: { workers: 1 },
    handlers: { hold: () => gate.wait(), work: () => undefined },
  });
  await kyu.queue.enqueue('hold', null);
  await until('the only slot to be taken', () => gate.arrivals);
  await kyu.queue.enqueueMany(many(30));
  await until(
    'all to be staged',
    async () => (await redis.zcard(kyu.queueName)) === 30,
  );
  let claims = 0;
  kyu.events.on('job.claimed', () => claims++);
  let lostAt = performance.now();
  await redis.flushall();
  gate.open();
  await until('all to be claimed', () => claims === 30);
  expect(performance.now() - lostAt).toBeLessThan(5_000);

  const port = Number(new URL(server.url).port);
  await server.stop();
  server = await startEmbeddedRedis({ port });
  lostAt = performance.now();
  await run(kyu, 30);
  expect(performance.now() - lostAt).toBeLessThan(5_000);
  await until('Redis to be used again', () =>
    kyu.logger.messages('log').some((line) => line.includes('is back')),
  );
  // What is left in Redis is waiting in Postgres, or nothing.
  await until(
    'Redis to hold nothing that does not wait',
    async () => (await redis.zcard(kyu.queueName)) === 0,
  );
});

it('I15 with Redis down, work goes on from PostgreSQL at no less than 30 % of its speed, and returns', async () => {
  const proxy = await FaultProxy.open(server.url);
  try {
    const kyu = await start({
      options: { redis: { url: proxy.url }, workers: 10 },
      handlers: { work: () => undefined },
    });
    await run(kyu, 50); // warm
    const up = await run(kyu, 500);
    proxy.set('cut');
    await until('the outage to be noticed', () =>
      kyu.logger.messages('warn').some((line) => line.includes('Redis at')),
    );
    const down = await run(kyu, 500);
    expect(up / down).toBeGreaterThan(0.3);
    proxy.set('none');
    await until('Redis to be used again', () =>
      kyu.logger.messages('log').some((line) => line.includes('is back')),
    );
    await run(kyu, 50);
  } finally {
    await proxy.close();
  }
});

it('I15 an enqueue does not wait for a Redis that does not answer', async () => {
  const proxy = await FaultProxy.open(server.url);
  try {
    const kyu = await start({
      options: { redis: { url: proxy.url }, mode: 'producer' },
    });
    await kyu.queue.enqueue('work', null);
    proxy.set('blackhole');
    const order: string[] = [];
    const failed = kyu
      .nextEvent('stage.failed')
      .then(() => order.push('Redis was given up'));
    await kyu.queue.enqueue('work', null);
    order.push('the job is stored');
    await failed;
    expect(order).toEqual(['the job is stored', 'Redis was given up']);
    proxy.set('none');
    await backInRedis(kyu);
  } finally {
    await proxy.close();
  }
});

it('I15 a Redis that is slow is left alone, and used again when it is quick', async () => {
  const worker = await start({ handlers: { work: () => undefined } });
  const producer = await start({ options: { mode: 'producer' } });
  const control = new Redis(server.url); // a paused server lets nobody connect
  await run(worker, 10);
  const pausedAt = performance.now();
  await redis.call('CLIENT', 'PAUSE', '8000', 'ALL');
  await run(worker, 20);
  expect(performance.now() - pausedAt).toBeLessThan(5_000);
  await control.call('CLIENT', 'UNPAUSE');
  control.disconnect();
  await backInRedis(producer);
  await run(worker, 10);
});

it('I15 a Redis that is full costs the ready queue, not the work', async () => {
  const worker = await start({ handlers: { work: () => undefined } });
  const producer = await start({ options: { mode: 'producer' } });
  await run(worker, 50);
  const normal = await run(worker, 500);
  await redis.config('SET', 'maxmemory', '1');
  try {
    expect(normal / (await run(worker, 500))).toBeGreaterThan(0.3);
  } finally {
    await redis.config('SET', 'maxmemory', '0');
  }
  await backInRedis(producer);
});

it('I15 a key of another type costs the ready queue, not the work', async () => {
  const worker = await start({ handlers: { work: () => undefined } });
  await run(worker, 10);
  await redis.set(worker.queueName, 'a string');
  expect(await run(worker, 300)).toBeLessThan(5_000);
  await redis.del(worker.queueName);
  await until('Redis to be used again', () =>
    worker.logger.messages('log').some((line) => line.includes('is back')),
  );
  await run(worker, 10);
});

it('I15 a Redis that answers, and holds writes back for seconds, is one outage with one return', async () => {
  const kyu = await start({ handlers: { work: () => undefined } });
  await run(kyu, 5);
  await redis.call('CLIENT', 'PAUSE', 4_000, 'WRITE');
  const pausedUntil = performance.now() + 4_000;
  while (performance.now() < pausedUntil)
    expect(await run(kyu, 5)).toBeLessThan(3_000);
  expect(kyu.logger.messages('warn')).toHaveLength(1);
  await backInRedis(kyu);
  expect(kyu.logger.messages('warn')).toHaveLength(1);
  const back = (): string[] =>
    kyu.logger.messages('log').filter((line) => line.endsWith(' is back.'));
  // The id is in Redis before the answer is here.
  await until('it to be told', () => back().length > 0);
  expect(back()).toHaveLength(1);
});
