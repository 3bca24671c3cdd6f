import { until } from '@kyu/testing';
import type { KyuOptions } from '@kyu/nestjs';
import { FaultProxy } from '../support/fault-proxy.js';
import { KyuChild } from '../support/kyu-child.js';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

/**
 * I5 and I6 when a handler blocks the event loop of its process: the worker is a process of its own, the one that would take its jobs is this one.
 */

const TIMING = {
  heartbeatInterval: 250,
  heartbeatTimeout: 1_000,
  staleJobTimeout: '1m',
} as const;

/** This process: reaper, scheduler and a worker that has no handler yet, so that it leaves the jobs to the other one. */
const startReaper = (options: KyuOptions = TIMING): Promise<TestKyu> =>
  startKyu({ options });

const startWorker = (
  kyu: TestKyu,
  options: KyuOptions = TIMING,
  postgresUrl = POSTGRES_URL,
): Promise<KyuChild> =>
  KyuChild.start({
    ...options,
    workers: 2,
    queueName: kyu.queueName,
    redis: { url: REDIS_URL },
    postgres: { url: postgresUrl, schema: kyu.schema },
  });

it('I5 a handler that blocks its thread for longer than heartbeatTimeout is not run again', async () => {
  const kyu = await startReaper();
  const worker = await startWorker(kyu);
  let rescued = 0;
  kyu.events.on('job.rescued', () => rescued++);
  const id = await kyu.queue.enqueue('block', 2_500);
  await worker.says('end', id);
  await until(
    'it to be settled',
    async () => (await kyu.queue.inspect(id)).status === 'completed',
  );
  expect(rescued).toBe(0);
  expect(await kyu.queue.inspect(id)).toMatchObject({
    claimToken: 1,
    crashCount: 0,
  });
  expect(worker.heard('fenced')).toEqual([]);
});

it('I14 a thread that is silent for longer than staleJobTimeout has hung, and its job runs elsewhere', async () => {
  const options = { ...TIMING, staleJobTimeout: 1_000 };
  const kyu = await startReaper(options);
  const worker = await startWorker(kyu, options);
  const id = await kyu.queue.enqueue('block', 60_000, { timeout: '1m' });
  await worker.says('start', id);
  const rescued = kyu.nextEvent('job.rescued');
  const settled = kyu.nextEvent('job.settled');
  kyu.queue.register('block', () => 'elsewhere');
  expect(await rescued).toMatchObject({ id, status: 'pending' });
  expect(await settled).toMatchObject({ id, status: 'completed' });
  expect(await kyu.queue.inspect(id)).toMatchObject({
    result: 'elsewhere',
    crashCount: 1,
  });
});

it('I6 a lease that was lost while the thread was blocked is noticed afterwards', async () => {
  const kyu = await startReaper();
  const proxy = await FaultProxy.open(POSTGRES_URL);
  try {
    const worker = await startWorker(kyu, TIMING, proxy.url);
    const patient = await kyu.queue.enqueue('patient', null);
    await worker.says('start', patient);
    const block = await kyu.queue.enqueue('block', 5_000);
    await worker.says('start', block);
    const rescued = kyu.nextEvent('job.rescued', ({ id }) => id === patient);
    proxy.set('cut');
    await rescued;
    proxy.set('none'); // the heartbeat thread finds Postgres again while the main thread is still blocked
    await until('a new heartbeat', async () => {
      const [row] = await kyu.sql(
        `SELECT FROM workers WHERE 'patient' = ANY (job_types) AND heartbeat_at > now() - interval '300 ms'`,
      );
      return row;
    });
    expect(worker.heard('end', block)).toEqual([]);
    await worker.says('end', block);
    // Its job is somebody else's now: the handler must hear of it.
    expect(await worker.says('abort', patient, 2_000)).toMatchObject({
      reason: 'LeaseExpiredError',
    });
  } finally {
    await proxy.close();
  }
});
