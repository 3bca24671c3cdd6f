import { setTimeout as sleep } from 'node:timers/promises';
import { KyuHealth } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { FaultProxy } from '../support/fault-proxy.js';
import { makeImpatient } from '../support/impatient-pool.js';
import { RestartablePostgres } from '../support/restartable-postgres.js';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

/** All but the lines about single jobs, which are bounded for each type. */
const linesOf = (kyu: TestKyu): string[] =>
  kyu.logger.lines
    .map(({ level, message }) => `${level}: ${message}`)
    .filter((line) => !/(Job|of job) [\w-]{36}|is ready/.test(line));

const load = (kyu: TestKyu, count: number): Promise<string[]> =>
  kyu.queue.enqueueMany(
    Array.from({ length: count }, () => ({ type: 'work', payload: null })),
  );

describe('field 22: an outage of PostgreSQL', () => {
  it('is two lines from a worker under load, with counts of what failed', async () => {
    const postgres = await RestartablePostgres.start();
    try {
      let done = 0;
      const kyu = await startKyu({
        handlers: {
          work: async () => {
            await sleep(2);
            done++;
          },
        },
        options: {
          postgres: { url: postgres.url },
          workers: 20,
        },
      });
      await load(kyu, 2_000);
      await until('work to be under way', () => done > 100);
      await postgres.crash();
      const goneAt = performance.now();
      let refused = 0;
      await until('callers to be refused, for 3 s', async () => {
        await kyu.queue.enqueue('work', null).catch(() => refused++);
        return refused >= 20 && performance.now() - goneAt > 3_000;
      });
      await postgres.restart();
      await until('all to run', () => done >= 2_000, 30_000);
      await until(
        'the log to tell',
        () => linesOf(kyu).some((line) => line.includes('is back')),
        10_000,
      );
      expect(linesOf(kyu)).toEqual([
        expect.stringMatching(
          /^error: PostgreSQL at [^@]+ cannot be used: .*\. Enqueues fail and no job is claimed until it can; running jobs go on, and Kyu tries again by itself\.$/,
        ),
        expect.stringMatching(
          /^log: PostgreSQL at [^@]+ is back, \d+\.\d s after the first failure\. Failed meanwhile: \d+ statements \(.*\d+ enqueue.*\)\.$/,
        ),
      ]);
      expect(kyu.logger.lines.length).toBeLessThan(2 * 11 + 3);
    } finally {
      await postgres.stop();
    }
  });

  it('is two lines from a producer, and its callers get the advice', async () => {
    const postgres = await RestartablePostgres.start();
    try {
      const kyu = await startKyu({
        options: { postgres: { url: postgres.url }, mode: 'producer' },
      });
      await postgres.crash();
      const errors: string[] = [];
      for (let i = 0; i < 20; i++)
        await kyu.queue
          .enqueue('work', null)
          .catch((error: Error) => errors.push(error.message));
      expect(errors).toHaveLength(20);
      expect(errors.at(-1)).toContain('try again when it is back');
      await postgres.restart();
      await until('an enqueue, and the line', async () => {
        await kyu.queue.enqueue('work', null);
        return linesOf(kyu).length > 1;
      });
      expect(linesOf(kyu)).toEqual([
        expect.stringMatching(/^error: PostgreSQL at \S+ cannot be used: /),
        expect.stringMatching(/ 20 statements \(20 enqueue( claimed)?\)\.$/),
      ]);
      expect(linesOf(kyu).join()).not.toContain('try again when');
    } finally {
      await postgres.stop();
    }
  });
});

describe('field 22: a PostgreSQL that is silent', () => {
  it('is two lines: no heartbeat that fails while others succeed, and none of a health check', async () => {
    const proxy = await FaultProxy.open(POSTGRES_URL);
    try {
      const kyu = await startKyu({
        options: { postgres: { url: proxy.url }, heartbeatInterval: 500 },
        handlers: { work: () => undefined },
      });
      // Longer than the heartbeat's own 5 s, and the 5 s after which it would be told alone.
      await makeImpatient(kyu.app, {
        connectionTimeoutMillis: 11_000,
        query_timeout: 11_000,
      });
      await load(kyu, 10);
      proxy.set('blackhole');
      const health = kyu.app.get(KyuHealth);
      await until(
        'the line',
        async () => {
          await health.check({ timeout: '200ms' });
          return linesOf(kyu).length > 0;
        },
        25_000,
      );
      proxy.set('none');
      await until(
        'the second line',
        async () => {
          await health.check();
          return linesOf(kyu).length > 1;
        },
        25_000,
      );
      expect(linesOf(kyu)).toEqual([
        expect.stringMatching(/^error: PostgreSQL at \S+ cannot be used: /),
        expect.stringMatching(/^log: PostgreSQL at \S+ is back, /),
      ]);
    } finally {
      await proxy.close();
    }
  }, 60_000);
});

describe('field 22: an outage of Redis', () => {
  it('is two lines from a worker under load', async () => {
    const redis = await FaultProxy.open(REDIS_URL);
    try {
      let done = 0;
      const kyu = await startKyu({
        handlers: { work: () => done++ },
        options: { redis: { url: redis.url } },
      });
      redis.set('cut');
      await load(kyu, 200);
      await until('all to run without Redis', () => done === 200);
      await until('Redis to be sought', () => redis.refused > 5);
      redis.set('none');
      await until('Redis to be back', () => linesOf(kyu).length > 1);
      await load(kyu, 200);
      await until('all to run with Redis', () => done === 400);
      expect(linesOf(kyu)).toEqual([
        expect.stringMatching(/^warn: Redis at \S+ cannot be used \(/),
        expect.stringMatching(/^log: Redis at \S+ is back\.$/),
      ]);
    } finally {
      await redis.close();
    }
  });
});
