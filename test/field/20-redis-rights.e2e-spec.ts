import { KyuHealth } from '@kyu/nestjs';
import { startEmbeddedRedis, type EmbeddedServer } from '@kyu/embedded';
import { until } from '@kyu/testing';
import { Redis } from 'ioredis';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

let server: EmbeddedServer;
let admin: Redis;
beforeAll(async () => {
  server = await startEmbeddedRedis();
  admin = new Redis(server.url);
});
afterAll(async () => {
  admin.disconnect();
  await server.stop();
});

async function startAs(user: string, ...rules: string[]): Promise<TestKyu> {
  await admin.call('ACL', 'SETUSER', user, 'reset', 'on', '>s3cret', ...rules);
  const url = server.url.replace('://', `://${user}:s3cret@`);
  return startKyu({
    options: { redis: { url } },
    handlers: { work: () => undefined },
  });
}

/** Runs jobs that another process enqueues, one after the other; milliseconds for all of them. */
async function run(worker: TestKyu, count: number): Promise<number> {
  const producer = await startKyu({
    beside: worker,
    options: { redis: { url: server.url }, mode: 'producer' },
  });
  const begin = performance.now();
  for (let i = 0; i < count; i++) {
    const settled = worker.nextEvent('job.settled');
    await producer.queue.enqueue('work', null);
    await settled;
  }
  return performance.now() - begin;
}

describe('field 20: a Redis user without the right to wait for an id', () => {
  it('is a warning and a degraded health, and jobs are not late', async () => {
    const kyu = await startAs('no-waits', '~*', '+@all', '-bzpopmin');
    // A worker that slept until its next look into PostgreSQL needed about 9 s.
    expect(await run(kyu, 20)).toBeLessThan(5_000);
    const warnings = kyu.logger.messages('warn');
    expect(warnings).toEqual([expect.stringMatching(/bzpopmin/i)]);
    expect(await kyu.app.get(KyuHealth).check()).toMatchObject({
      status: 'degraded',
      redis: 'up',
    });

    await admin.call('ACL', 'SETUSER', 'no-waits', '+bzpopmin');
    await until('the worker to wait in Redis again', async () => {
      const { status } = await kyu.app.get(KyuHealth).check();
      return status === 'up';
    });
    await run(kyu, 3);
  });
});
