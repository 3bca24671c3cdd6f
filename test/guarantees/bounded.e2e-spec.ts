import { until } from '@kyu/testing';
import { Scheduler } from '../../libs/kyu/src/maintenance/scheduler.js';
import { JobStore } from '../../libs/kyu/src/store/job-store.js';
import { Gate } from '../support/gate.js';
import { KyuChild } from '../support/kyu-child.js';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

/** I17: Redis holds a window, a worker what it runs and a little more, however long the backlog. */

const WINDOW = 10_000;
/** Claimed ahead at most, by libs/kyu/src/worker/prefetch.ts. */
const MAX_AHEAD = 1_000;

/** Rows that no enqueue() has announced, with ids in their order. */
const insert = (kyu: TestKyu, count: number, type: string): Promise<unknown> =>
  kyu.sql(
    `INSERT INTO jobs (id, queue, job_type, payload)
     SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, $1, $2, to_json(repeat('x', 500))
       FROM generate_series(1, $3) AS n`,
    [kyu.queueName, type, count],
  );

it('I17 the window in Redis holds no more than 10 000 ids of 30 000 jobs, by enqueues and by refills', async () => {
  const gate = new Gate();
  const kyu = await startKyu({
    options: { workers: 1 },
    handlers: { hold: () => gate.wait() },
  });
  await kyu.queue.enqueue('hold', null);
  await until('the slot to be taken', () => gate.arrivals);
  await insert(kyu, 10_000, 'hold');
  for (let batch = 0; batch < 2; batch++) {
    await kyu.queue.enqueueMany(
      Array.from({ length: 10_000 }, () => ({ type: 'hold', payload: null })),
    );
    await kyu.app.get(Scheduler).runOnce();
    const size = await until('the window to be full', async () => {
      const ids = await kyu.redis.zcard(kyu.queueName);
      return ids >= WINDOW && ids;
    });
    expect(size).toBe(WINDOW);
  }
  // The best are in it: those that were never announced are the oldest.
  expect((await kyu.redis.zrange(kyu.queueName, 0, 0))[0]).toMatch(/^0000/);
  const bytes = await kyu.redis.call('MEMORY', 'USAGE', kyu.queueName);
  expect(Number(bytes)).toBeLessThan(2_500_000);
  gate.open();
  await kyu.sql(`DELETE FROM jobs WHERE status = 'pending'`);
});

it('I17 a claim takes no more than the slots and what is claimed ahead', async () => {
  const kyu = await startKyu({ options: { workers: 4, mode: 'producer' } });
  await insert(kyu, 5_000, 'quick');
  const worker = await startKyu({ beside: kyu, options: { workers: 4 } });
  const store = worker.app.get(JobStore);
  const asked: number[] = [];
  const claimPopped = store.claimPopped.bind(store);
  const claimWaiting = store.claimWaiting.bind(store);
  store.claimPopped = (claimant, ids) => {
    asked.push(ids.length);
    return claimPopped(claimant, ids);
  };
  store.claimWaiting = (claimant, limit) => {
    asked.push(limit);
    return claimWaiting(claimant, limit);
  };
  let open = 0;
  let most = 0;
  let settled = 0;
  worker.events.on('job.claimed', () => (most = Math.max(most, ++open)));
  worker.events.on('job.settled', () => {
    open--;
    settled++;
  });
  worker.queue.register('quick', () => undefined);
  await until('all to run', () => settled === 5_000, 20_000);
  expect(asked[0]).toBeLessThanOrEqual(4); // nothing is known of the handlers yet
  expect(Math.max(...asked)).toBeLessThanOrEqual(4 + MAX_AHEAD);
  expect(Math.max(...asked)).toBeGreaterThan(4);
  // Beside what waits to be stored: at most 5 000 outcomes, by the dispatcher.
  expect(most).toBeLessThan(5_000);
});

it('I17 the memory of a worker does not grow with a backlog of 100 000 jobs', async () => {
  const kyu = await startKyu({ options: { mode: 'producer' } });
  const child = await KyuChild.start({
    redis: { url: REDIS_URL },
    queueName: kyu.queueName,
    postgres: { url: POSTGRES_URL, schema: kyu.schema },
  });
  const completed = async (): Promise<number> => {
    const [row] = await kyu.sql<{ n: number }>(
      `SELECT count(*)::int AS n FROM jobs WHERE status = 'completed'`,
    );
    return row!.n;
  };
  const rss = async (): Promise<number> => {
    const before = child.heard('memory').length;
    child.tell('memory');
    const report = await until(
      'its memory',
      () => child.heard('memory')[before],
    );
    return report.rss / 1024 ** 2;
  };
  child.tell({ enqueue: 3_000 });
  await until('it to be warm', async () => (await completed()) === 3_000);
  const before = await rss();
  await insert(kyu, 100_000, 'quick'); // 50 MB of payloads, 150 MB of rows in V8
  await until(
    'it to be at work',
    async () => (await completed()) > 5_000, // 2 000 of the backlog: durable commits on a slow disk take their time
    60_000,
  );
  expect((await rss()) - before).toBeLessThan(80);
  // The window was refilled meanwhile and kept its size.
  expect(await kyu.redis.zcard(kyu.queueName)).toBeLessThanOrEqual(WINDOW);
}, 90_000);
