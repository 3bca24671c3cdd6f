import { until } from '@kyu/testing';
import { JobStore } from '../../libs/kyu/src/store/job-store.js';
import { countFailures } from '../support/count-failures.js';
import { Gate } from '../support/gate.js';
import { POSTGRES_URL } from '../support/servers.js';
import { startKyu } from '../support/start-kyu.js';
import { TcpProxy } from '../../libs/kyu-testing/src/real/tcp-proxy.js';

/** Defects of the original, by their numbers: how jobs wait, and how they get from Postgres through Redis to a worker. */

it('defect 1: it popped the lowest priority first', async () => {
  const producer = await startKyu({ options: { mode: 'producer' } });
  for (const priority of [1, 10, -5, 10, 3])
    await producer.queue.enqueue('note', priority, { priority });
  const order: unknown[] = [];
  await startKyu({
    beside: producer,
    options: { workers: 1 },
    handlers: { note: (priority: number) => order.push(priority) },
  });
  await until('all five to run', () => order.length === 5);
  expect(order).toEqual([10, 10, 3, 1, -5]);
});

it('defect 3: a failed job went back into Redis at once, without backoff', async () => {
  const kyu = await startKyu({
    handlers: {
      flaky: (_: unknown, { attempt }: { attempt: number }) => {
        if (attempt === 1) throw new Error('once');
      },
    },
  });
  const failed = kyu.nextEvent('job.settled', (e) => e.status === 'failed');
  const completed = kyu.nextEvent(
    'job.settled',
    (e) => e.status === 'completed',
  );
  const id = await kyu.queue.enqueue('flaky', null);
  await failed;
  expect(await kyu.redis.zscore(kyu.queueName, id)).toBeNull();
  await completed;
  const [first, second] = (await kyu.queue.inspect(id)).history;
  const gap = Date.parse(second!.startedAt) - Date.parse(first!.startedAt);
  expect(gap).toBeGreaterThanOrEqual(1_000);
  expect(gap).toBeLessThan(3_000);
});

it('defect 4: a Redis wipe stranded pending rows', async () => {
  const gate = new Gate();
  const kyu = await startKyu({
    options: { workers: 1 },
    handlers: { hold: () => gate.wait(), work: () => undefined },
  });
  await kyu.queue.enqueue('hold', null);
  await until('the only slot to be taken', () => gate.arrivals);
  const ids = await kyu.queue.enqueueMany(
    Array.from({ length: 20 }, () => ({ type: 'work', payload: null })),
  );
  await until(
    'all to be staged',
    async () => (await kyu.redis.zcard(kyu.queueName)) === 20,
  );
  await kyu.redis.del(kyu.queueName);
  gate.open();
  await until('all to complete', async () => {
    const done = await kyu.sql(
      `SELECT FROM jobs WHERE status = 'completed' AND id = ANY($1)`,
      [ids],
    );
    return done.length === 20;
  });
});

it('defect 5: a crash between pop and claim stranded the row', async () => {
  const producer = await startKyu({ options: { mode: 'producer' } });
  const id = await producer.queue.enqueue('work', null);
  await until('it to be staged', () =>
    producer.redis.zscore(producer.queueName, id),
  );
  const worker = await startKyu({
    beside: producer,
    options: { workers: 1 },
    handlers: { other: () => undefined },
  });
  // A worker that pops and dies: the id is gone from Redis, the row still waits.
  await producer.redis.del(producer.queueName);
  worker.queue.register('work', () => undefined);
  await worker.nextEvent('job.settled', (event) => event.id === id);
});

it('defect 6: a short Postgres outage drained and threw away the whole ready set', async () => {
  const producer = await startKyu({ options: { mode: 'producer' } });
  const proxy = await TcpProxy.open(POSTGRES_URL);
  try {
    const worker = await startKyu({
      beside: producer,
      handlers: { work: () => undefined },
      options: { postgres: { url: proxy.url } },
    });
    const failures = countFailures(
      worker.app.get(JobStore),
      'claimPopped',
      'claimWaiting',
      'releaseStrays', // before the next claim, as the answer of one may be lost
    );
    proxy.cut();
    const jobs = Array.from({ length: 50 }, () => ({
      type: 'work',
      payload: null,
    }));
    await producer.queue.enqueueMany(jobs);
    await until('the worker to have failed to claim', () => failures() > 2);
    expect(await producer.redis.zcard(producer.queueName)).toBe(50);
    proxy.mend();
    await until('all to complete', async () => {
      const done = await producer.sql(
        `SELECT FROM jobs WHERE status = 'completed'`,
      );
      return done.length === 50;
    });
    await worker.close();
  } finally {
    await proxy.close();
  }
});

it('defect 7: insert succeeded, stage failed: the caller got an error for a stored job', async () => {
  const kyu = await startKyu({ options: { mode: 'producer' } });
  await kyu.redis.set(kyu.queueName, 'not a sorted set: every stage fails');
  const stageFailed = kyu.nextEvent('stage.failed');
  const id = await kyu.queue.enqueue('work', null);
  expect(await stageFailed).toEqual({ count: 1 });
  expect((await kyu.queue.inspect(id)).status).toBe('pending');
});

it('defect 14: a past scheduledAt was staged twice', async () => {
  const starts: string[] = [];
  const kyu = await startKyu({
    handlers: { work: (_: unknown, { id }: { id: string }) => starts.push(id) },
  });
  let promoted = 0;
  kyu.events.on('jobs.promoted', ({ count }) => (promoted += count));
  const enqueued = kyu.nextEvent('job.enqueued');
  const settled = kyu.nextEvent('job.settled');
  const id = await kyu.queue.enqueue('work', null, {
    scheduledAt: new Date(0),
  });
  expect((await enqueued).status).toBe('pending');
  await settled;
  const next = kyu.nextEvent('job.settled');
  await kyu.queue.enqueue('work', null);
  await next;
  expect(promoted).toBe(0);
  expect(starts.filter((each) => each === id)).toHaveLength(1);
});

it('defect 16: an unknown job type consumed retries until dead', async () => {
  const kyu = await startKyu({ handlers: { known: () => undefined } });
  const unhandled = kyu.nextEvent('job.unhandled');
  const id = await kyu.queue.enqueue('unknown', null, { maxRetries: 0 });
  await unhandled;
  const job = await kyu.queue.inspect(id);
  expect(job).toMatchObject({
    status: 'pending',
    retryCount: 0,
    claimToken: 0,
    history: [],
  });
  expect(kyu.logger.messages('warn').join()).toContain(
    'No handler for the job type "unknown"',
  );
});

it('defect 21: deadJobs read the whole table', async () => {
  const kyu = await startKyu({ options: { mode: 'producer' } });
  const rows = await kyu.sql<{ id: string }>(
    `INSERT INTO jobs (id, job_type, queue, status, completed_at)
     SELECT gen_random_uuid(), 'work', $1, 'dead', now() FROM generate_series(1, 250) RETURNING id`,
    [kyu.queueName],
  );
  const newestFirst = rows
    .map(({ id }) => id)
    .sort()
    .reverse();
  const page = (before?: string) =>
    kyu.queue.deadJobs({ limit: 100, ...(before && { before }) });
  const first = await page();
  const second = await page(first.at(-1)!.id);
  const third = await page(second.at(-1)!.id);
  expect([first.length, second.length, third.length]).toEqual([100, 100, 50]);
  expect([...first, ...second, ...third].map(({ id }) => id)).toEqual(
    newestFirst,
  );
  expect(await kyu.queue.deadJobs()).toHaveLength(100); // a page is the default, too
});
