import { until } from '@kyu/testing';
import { call, scrape } from './api-client.js';
import { buildExample } from './build-example.js';
import { endAllShops, ShopProcess } from './shop-process.js';
import { ShopTable } from './shop-table.js';

const JOBS = 600;
/** HTTP requests at once. */
const CLIENTS = 20;
/** Of all jobs, what each of two equal workers gets at least; half would be fair. */
const LEAST_SHARE = 0.2;

const table = new ShopTable();
beforeAll(async () => {
  await buildExample();
  await table.open();
}, 120_000);

afterAll(async () => {
  await endAllShops();
  await table.drop();
});

const start = (mode: 'producer' | 'worker'): ShopProcess =>
  ShopProcess.start('main', { ...table.env, KYU_MODE: mode });

it(`shares ${JOBS} jobs of one API between two workers, and runs each once`, async () => {
  const workers = [start('worker'), start('worker')];
  const api = start('producer');
  await Promise.all([api, ...workers].map((shop) => shop.says(/^Ready/m)));
  const url = (await api.says(/API is on (\S+) /))[1]!;
  for (const worker of workers)
    expect(worker.output).not.toContain('API is on');

  let next = 0;
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (next < JOBS) {
        const body = { type: 'send_sms', payload: `message ${next++}` };
        expect((await call(url, 'POST', '/jobs', body)).status).toBe(201);
      }
    }),
  );
  await until(
    'all jobs to be completed',
    async () => {
      const [row] = await table.sql<{ done: number }>(
        `select count(*)::int as done from jobs where status = 'completed'`,
      );
      return row!.done === JOBS;
    },
    60_000,
  );

  const shares = await table.sql<{ worker: string; count: number }>(
    `select ran_by as worker, count(*)::int as count from jobs
      where history = '[]' and claim_token = 1 and retry_count = 0 and status = 'completed' group by 1`,
  );
  expect(shares.reduce((sum, { count }) => sum + count, 0)).toBe(JOBS);
  // A worker's id is host:pid:random.
  expect(new Set(shares.map(({ worker }) => worker.split(':')[1]))).toEqual(
    new Set(workers.map(({ pid }) => String(pid))),
  );
  expect(shares).toHaveLength(2);
  for (const { count } of shares)
    expect(count).toBeGreaterThan(JOBS * LEAST_SHARE);

  const metrics = await scrape(`${url}/metrics`);
  expect(metrics.get('kyu_jobs_total')).toBe(JOBS);
  expect(metrics.get('kyu_queue_depth')).toBe(0);
  for (const shop of [api, ...workers]) {
    shop.kill('SIGTERM');
    expect(await shop.ended()).toBe(0);
  }
}, 120_000);
