import { randomUUID } from 'node:crypto';
import { startEmbeddedRedis, type EmbeddedServer } from '@kyu/embedded';
import { until } from '@kyu/testing';
import { Redis } from 'ioredis';
import { startKyu } from '../support/start-kyu.js';

/** The look into PostgreSQL is due every 5 s, and what waits is found within this, on a busy machine too. */
const DOCUMENTED_MS = 10_000;

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

/** Keeps thousands of ids of no job, with the best scores, in the ready set. */
function keepFull(key: string): () => Promise<void> {
  let stopped = false;
  const feed = async (): Promise<void> => {
    while (!stopped)
      if ((await redis.zcard(key)) < 5_000)
        await redis.zadd(
          key,
          ...Array.from({ length: 2_000 }).flatMap(() => [-1e9, randomUUID()]),
        );
  };
  const fed = feed();
  return () => {
    stopped = true;
    return fed;
  };
}

describe('field 19: a stream of garbage ids with the best scores', () => {
  it('does not keep a worker from the jobs that wait', async () => {
    const options = { redis: { url: server.url } };
    const producer = await startKyu({
      options: { ...options, mode: 'producer' },
    });
    const stop = keepFull(producer.queueName);
    try {
      let runs = 0;
      const worker = await startKyu({
        beside: producer,
        options: { ...options, workers: 2 },
        handlers: { work: () => ++runs },
      });
      await producer.queue.enqueueMany(
        Array.from({ length: 40 }, () => ({ type: 'work', payload: null })),
      );
      // Many more than one look claims: the looks follow each other while they find something.
      await until('all to run', () => runs === 40, DOCUMENTED_MS);
      expect(await redis.zcard(worker.queueName)).toBeGreaterThan(0);
    } finally {
      await stop();
    }
  });
});
