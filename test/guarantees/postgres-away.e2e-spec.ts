import { KyuEvents, KyuModule, QueueService } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { resolveOptions } from '../../libs/kyu/src/config/resolve-options.js';
import { newDataSource } from '../../libs/kyu/src/store/data-source.js';
import { JobStore } from '../../libs/kyu/src/store/job-store.js';
import { bootApp, newGround, runSql } from '../support/boot-app.js';
import { countFailures } from '../support/count-failures.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { Gate } from '../support/gate.js';
import { makeImpatient } from '../support/impatient-pool.js';
import { RestartablePostgres } from '../support/restartable-postgres.js';
import { POSTGRES_URL } from '../support/servers.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

/** I16: PostgreSQL may be gone, restart, or lose connections without a word. */

let proxy: FaultProxy;
beforeEach(async () => {
  proxy = await FaultProxy.open(POSTGRES_URL);
});
afterEach(() => proxy.close());

const startCuttable = (
  handlers: Parameters<typeof startKyu>[0] & object,
): Promise<TestKyu> =>
  startKyu({
    ...handlers,
    options: { postgres: { url: proxy.url }, ...handlers.options },
  });

it('I16 the outcome of a handler that finished during the outage is kept, and stored after it', async () => {
  const gate = new Gate();
  let runs = 0;
  const kyu = await startCuttable({
    handlers: {
      work: async () => {
        runs++;
        await gate.wait();
        return 'kept';
      },
    },
  });
  const id = await kyu.queue.enqueue('work', null);
  await until('the handler to run', () => gate.arrivals);
  const failures = countFailures(kyu.app.get(JobStore), 'settleIfOwned');
  proxy.set('cut');
  gate.open();
  await until('two tries to store the outcome', () => failures() >= 2);
  const settled = kyu.nextEvent('job.settled');
  proxy.set('none');
  expect(await settled).toMatchObject({ id, status: 'completed' });
  expect(await kyu.queue.inspect(id)).toMatchObject({
    result: 'kept',
    claimToken: 1,
  });
  expect(runs).toBe(1);
});

it('I16 nothing is popped during the outage, and all work resumes within 5 s after it', async () => {
  let done = 0;
  const kyu = await startCuttable({ handlers: { work: () => done++ } });
  const producer = await startKyu({
    beside: kyu,
    options: { mode: 'producer' },
  });
  const failures = countFailures(
    kyu.app.get(JobStore),
    'claimPopped',
    'claimWaiting',
    'releaseStrays', // before the next claim, as the answer of one may be lost
  );
  proxy.set('cut');
  await producer.queue.enqueueMany(
    Array.from({ length: 40 }, () => ({ type: 'work', payload: null })),
  );
  await until('claims to fail for a while', () => failures() >= 5, 20_000);
  expect(await kyu.redis.zcard(kyu.queueName)).toBe(40);
  const mendedAt = performance.now();
  proxy.set('none');
  await until('all to run', () => done === 40);
  expect(performance.now() - mendedAt).toBeLessThan(5_000);
});

it('I16 a claim whose answer was lost does not strand the job', async () => {
  const kyu = await startCuttable({ handlers: { work: () => 'ran' } });
  const producer = await startKyu({
    beside: kyu,
    options: { mode: 'producer' },
  });
  proxy.set('deaf');
  const id = await producer.queue.enqueue('work', null);
  await until(
    'the claim to be stored',
    async () => (await producer.queue.inspect(id)).status === 'running',
  );
  proxy.set('none');
  proxy.resetAll();
  // Its worker lives and beats, so nobody else will take it back; it must notice itself.
  await until(
    'the job to run',
    async () => (await producer.queue.inspect(id)).status === 'completed',
    8_000,
  );
});

it('I16 a settle whose answer was lost is a settle: it is told once, and no lease was lost', async () => {
  const gate = new Gate();
  const kyu = await startCuttable({ handlers: { work: () => gate.wait() } });
  const told: string[] = [];
  kyu.events.on('job.settled', ({ status }) => told.push(status));
  kyu.events.on('lease.lost', () => told.push('lease lost'));
  const id = await kyu.queue.enqueue('work', null);
  await until('the handler to run', () => gate.arrivals);
  proxy.set('deaf');
  gate.open();
  await until('the outcome to be stored', async () => {
    const rows = await kyu.sql(
      `SELECT FROM jobs WHERE id = $1 AND status = 'completed'`,
      [id],
    );
    return rows.length;
  });
  proxy.set('none');
  proxy.resetAll();
  await until('it to be told', () => told.length);
  expect(told).toEqual(['completed']);
});

it('I16 a crash of PostgreSQL: what runs is stored, what waits runs, and each once', async () => {
  const postgres = await RestartablePostgres.start();
  try {
    const ground = newGround();
    const gate = new Gate();
    const runs: unknown[] = [];
    const app = await bootApp({
      imports: [
        KyuModule.forRoot(
          ground.options({ postgres: { url: postgres.url }, workers: 2 }),
        ),
      ],
    });
    const queue = app.get(QueueService);
    let settled = 0;
    app.get(KyuEvents).on('job.settled', () => settled++);
    queue.register('work', async (n) => {
      runs.push(n);
      await gate.wait();
    });
    for (let n = 0; n < 20; n++) await queue.enqueue('work', n);
    await until('both slots to be taken', () => gate.arrivals === 2);
    await postgres.crash();
    gate.open();
    await postgres.restart();
    const backAt = performance.now();
    await until('all to be settled', () => settled === 20);
    expect(performance.now() - backAt).toBeLessThan(5_000);
    expect(runs).toHaveLength(20);
    expect(new Set(runs).size).toBe(20);
    const rows = await runSql(
      `SELECT FROM "${ground.schema}".kyu_jobs WHERE status = 'completed' AND claim_token = 1`,
      [],
      postgres.url,
    );
    expect(rows).toHaveLength(20);
    await app.close();
  } finally {
    await postgres.stop();
  }
});

describe('I16 a half-open connection', () => {
  it('is given up by timeouts of the client, which all connections of Kyu have', async () => {
    const dataSource = newDataSource(
      resolveOptions({ postgres: { url: POSTGRES_URL } }).postgres,
    );
    await dataSource.initialize();
    const pool = (
      dataSource.driver as unknown as {
        master: { options: Record<string, unknown> };
      }
    ).master;
    expect(pool.options).toMatchObject({
      query_timeout: expect.any(Number),
      connectionTimeoutMillis: expect.any(Number),
      keepAlive: true,
    });
    expect(pool.options.query_timeout).toBeLessThanOrEqual(25_000);
    // The server gives up first, so that a statement that was given up is not still at work.
    const [server] = await dataSource.query<{ timeout: number }[]>(
      `SELECT setting::int AS timeout FROM pg_settings WHERE name = 'statement_timeout'`,
    );
    expect(server!.timeout).toBeGreaterThan(0);
    expect(pool.options.query_timeout).toBeGreaterThan(server!.timeout);
    await dataSource.destroy();
  });

  it('does not cost an outcome: it is stored over another one', async () => {
    const ground = newGround();
    const gate = new Gate();
    const app = await bootApp({
      imports: [
        KyuModule.forRoot(ground.options({ postgres: { url: proxy.url } })),
      ],
    });
    await makeImpatient(app, {
      connectionTimeoutMillis: 1_500,
      query_timeout: 1_500,
    });
    const queue = app.get(QueueService);
    let runs = 0;
    queue.register('work', async () => {
      runs++;
      await gate.wait();
      return 'kept';
    });
    const id = await queue.enqueue('work', null);
    await until('the handler to run', () => gate.arrivals);
    const failures = countFailures(app.get(JobStore), 'settleIfOwned');
    proxy.set('blackhole');
    gate.open();
    await until('a try to be given up', failures);
    proxy.set('none');
    await until(
      'it to be completed',
      async () => (await queue.inspect(id)).status === 'completed',
    );
    expect(await queue.inspect(id)).toMatchObject({
      result: 'kept',
      claimToken: 1,
    });
    expect(runs).toBe(1);
  });
});
