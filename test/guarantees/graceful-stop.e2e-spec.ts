import { until } from '@kyu/testing';
import type { JobContext } from '@kyu/nestjs';
import { Pruner } from '../../libs/kyu/src/maintenance/pruner.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { Gate } from '../support/gate.js';
import { KyuChild } from '../support/kyu-child.js';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

/** I18: how a worker stops. */

const stops = (kyu: TestKyu): Promise<unknown> =>
  until('the stop to wait', () =>
    kyu.logger.messages('log').some((line) => line.includes('waiting for 1')),
  );

it('I18 nothing is claimed 100 ms after the stop began, whatever maintenance is at work', async () => {
  const claims: number[] = [];
  const kyu = await startKyu({
    options: { workers: 1 },
    handlers: { work: () => new Promise((resolve) => setImmediate(resolve)) },
  });
  kyu.events.on('job.claimed', () => claims.push(performance.now()));
  // Old rows whose removal takes a while.
  await kyu.sql(
    `INSERT INTO jobs (id, job_type, queue, status, completed_at)
     VALUES ('00000000-0000-7000-8000-000000000000', 'work', $1, 'completed', now() - interval '1 year')`,
    [kyu.queueName],
  );
  await kyu.sql(`CREATE FUNCTION "${kyu.schema}".slow() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(2); RETURN OLD; END $$`);
  await kyu.sql(
    `CREATE TRIGGER slow BEFORE DELETE ON jobs FOR EACH ROW EXECUTE FUNCTION "${kyu.schema}".slow()`,
  );
  const pruning = kyu.app.get(Pruner).runOnce();
  const producer = await startKyu({
    beside: kyu,
    options: { mode: 'producer' },
  });
  const stoppedAt = performance.now();
  const closed = kyu.close();
  await until('200 ms to pass', () => performance.now() - stoppedAt > 200);
  await producer.queue.enqueueMany(
    Array.from({ length: 20 }, () => ({ type: 'work', payload: null })),
  );
  await pruning;
  await closed;
  expect(claims.filter((at) => at > stoppedAt + 100)).toEqual([]);
});

it('I18 what overruns drainTimeout is aborted and goes back at once, its attempt restored', async () => {
  const gate = new Gate();
  let reason: unknown;
  const kyu = await startKyu({
    options: { drainTimeout: 200 },
    handlers: {
      work: async (_: unknown, { signal }: JobContext) => {
        signal.addEventListener('abort', () => (reason = signal.reason));
        await gate.wait();
      },
    },
  });
  await kyu.queue.enqueue('work', null, { maxRetries: 0 });
  await until('the handler to run', () => gate.arrivals);
  await kyu.close();
  gate.open();
  expect(reason).toMatchObject({ code: 'KYU_WORKER_STOPPING' });
  expect(
    await kyu.sql('SELECT status, retry_count, crash_count FROM jobs'),
  ).toEqual([{ status: 'pending', retry_count: 0, crash_count: 0 }]);
});

it('I18 a stop during an outage of PostgreSQL comes to an end', async () => {
  const proxy = await FaultProxy.open(POSTGRES_URL);
  const gate = new Gate();
  try {
    const kyu = await startKyu({
      options: { postgres: { url: proxy.url }, drainTimeout: 500 },
      handlers: { work: () => gate.wait() },
    });
    await kyu.queue.enqueue('work', null);
    await until('the handler to run', () => gate.arrivals);
    proxy.set('cut');
    const stoppedAt = performance.now();
    await kyu.close();
    expect(performance.now() - stoppedAt).toBeLessThan(5_000);
  } finally {
    gate.open();
    await proxy.close();
  }
});

it('I18 producers close last: a handler may enqueue while it drains', async () => {
  const gate = new Gate();
  const kyu = await startKyu({
    handlers: {
      work: async () => {
        await gate.wait();
        return kyu.queue.enqueue('later', null);
      },
    },
  });
  await kyu.queue.enqueue('work', null);
  await until('the handler to run', () => gate.arrivals);
  const closed = kyu.close();
  await stops(kyu);
  gate.open();
  await closed;
  expect(
    await kyu.sql('SELECT job_type, status FROM jobs ORDER BY job_type'),
  ).toEqual([
    { job_type: 'later', status: 'pending' },
    { job_type: 'work', status: 'completed' },
  ]);
});

it('I18 a process ends with 0 at SIGTERM; a second one hurries it, and the job goes back', async () => {
  const kyu = await startKyu({ options: { mode: 'producer' } });
  const child = await KyuChild.start({
    queueName: kyu.queueName,
    redis: { url: REDIS_URL },
    postgres: { url: POSTGRES_URL, schema: kyu.schema },
  });
  const id = await kyu.queue.enqueue('hold', null);
  await child.says('start', id);
  child.kill('SIGTERM');
  const end = performance.now() + 300;
  await until('it to drain', () => performance.now() > end);
  expect(child.heard('abort')).toEqual([]);
  child.kill('SIGTERM');
  await child.says('abort', id);
  expect(await child.ended()).toBe(0);
  expect(await kyu.queue.inspect(id)).toMatchObject({
    status: 'pending',
    retryCount: 0,
    crashCount: 0,
  });
});
