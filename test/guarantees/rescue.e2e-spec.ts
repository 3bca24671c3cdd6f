import { until } from '@kyu/testing';
import { KyuChild } from '../support/kyu-child.js';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';
import { startKyu } from '../support/start-kyu.js';

/** I14, with the fast profile: what a killed process was running runs again within 10 s. */

const FAST = { heartbeatInterval: 500, heartbeatTimeout: 2_000 };

it.each([
  ['Redis', { url: REDIS_URL }],
  ['PostgreSQL alone', false],
] as const)(
  'I14 the jobs of a process that was killed run again within 10 s, with %s',
  async (_, redis) => {
    const survivor = await startKyu({ options: { ...FAST, redis } });
    const child = await KyuChild.start({
      ...FAST,
      redis,
      queueName: survivor.queueName,
      postgres: { url: POSTGRES_URL, schema: survivor.schema },
    });
    const ids = await survivor.queue.enqueueMany(
      Array.from({ length: 5 }, () => ({ type: 'hold', payload: null })),
    );
    await until(
      'the process to run all',
      () => child.heard('start').length === 5,
    );
    const again = new Map<string, number>();
    survivor.queue.register('hold', (__, { id }) => {
      again.set(id, performance.now());
    });
    const killedAt = performance.now();
    child.kill('SIGKILL');
    expect(await child.ended()).toBe('SIGKILL');
    await until('the jobs to run again', () => again.size === 5, 12_000);
    expect(Math.max(...again.values()) - killedAt).toBeLessThan(10_000);
    expect([...again.keys()].toSorted()).toEqual(ids.toSorted());
    for (const id of ids) {
      const job = await until('the settle', async () => {
        const found = await survivor.queue.inspect(id);
        return found.status === 'completed' ? found : undefined;
      });
      expect(job).toMatchObject({ crashCount: 1, retryCount: 0 });
      expect(job.history.map(({ outcome }) => outcome)).toEqual([
        'crashed',
        'completed',
      ]);
    }
  },
);
