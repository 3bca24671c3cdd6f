import { rmSync } from 'node:fs';
import { until } from '@kyu/testing';
import {
  expectNothingLeft,
  privateTmp,
  processes,
} from '../embedded/program.js';
import { call, scrape } from './api-client.js';
import { buildExample } from './build-example.js';
import { endAllShops, ShopProcess } from './shop-process.js';
import { ShopTable } from './shop-table.js';

const table = new ShopTable();
let shop: ShopProcess;
let url: string;

beforeAll(async () => {
  await buildExample();
  await table.open();
  shop = ShopProcess.start('main', table.env);
  url = (await shop.says(/API is on (\S+) /))[1]!;
  await shop.says(/^Ready/m);
}, 120_000);

afterAll(async () => {
  await endAllShops();
  await table.drop();
});

const enqueue = async (body: object): Promise<string> => {
  const { status, body: answer } = await call(url, 'POST', '/jobs', body);
  expect(status).toBe(201);
  return answer.id as string;
};

describe('the running shop', () => {
  it('serves metrics of Kyu and its own side by side, and they reconcile', async () => {
    const order = {
      number: 1,
      customer: 'a@b',
      items: [{ sku: 't', quantity: 1 }],
    };
    const placed = await call(url, 'POST', '/orders', order);
    expect(placed.status).toBe(201);
    const refused = await call(url, 'POST', '/orders', { ...order, items: [] });
    expect(refused.status).toBe(400);
    await enqueue({ type: 'refund_card', payload: { cardExpired: true } });
    const waits = `select count(*)::int as n from jobs where status in ('pending', 'running', 'failed')`;
    await until('all jobs to end', async () => {
      const [{ n } = { n: 1 }] = await table.sql<{ n: number }>(waits);
      return n === 0;
    });
    const [counts] = await table.sql(`
      select count(*)::int as "kyu_jobs_total",
             count(*) filter (where status = 'completed')::int as "kyu_jobs_processed_total{status=""completed""}",
             count(*) filter (where status = 'dead')::int as "kyu_jobs_dead_total",
             count(*) filter (where status = 'dead')::int as "kyu_job_failures_total{job_type=""refund_card""}",
             0 as kyu_queue_depth from jobs`);
    expect(counts).toMatchObject({ kyu_jobs_total: 3, kyu_jobs_dead_total: 1 });
    // The event of a run comes right after its commit, which is what the query above saw.
    await until('the metrics to say the same', async () => {
      const now = await scrape(`${url}/metrics`);
      expect(now.has('shop_orders_total')).toBe(false);
      return Object.entries(counts as object).every(
        ([name, value]) => now.get(name) === value,
      );
    });
    expect(await scrape(`${url}/shop/metrics`)).toEqual(
      new Map([['shop_orders_total', 1]]),
    );
  });

  // It ends the shop.
  it('drains at Ctrl-C: the running job completes, the process ends with 0', async () => {
    const report = { month: 'May', pages: 20 };
    const { body: answer } = await call(url, 'POST', '/reports', report);
    const slow = answer.jobId as string;
    await until('it to run', async () => {
      const { body } = await call(url, 'GET', `/reports/${slow}`);
      return body.status === 'running';
    });
    shop.kill('SIGINT');
    expect(await shop.ended()).toBe(0);
    expect(
      await table.sql(
        'select status, ran_by is not null as ran, history from jobs where id = $1',
        [slow],
      ),
    ).toEqual([{ status: 'completed', ran: true, history: [] }]);
    expect(shop.lines.at(-1)).toBe('Stopped.');
  });
});

it('at a second Ctrl-C gives back what runs, and stops servers of its own too', async () => {
  const tmp = privateTmp();
  const own = ShopProcess.start('main', {
    PORT: '0',
    METRICS_PORT: '0',
    TMPDIR: tmp,
  });
  const [, api, postgres] = await own.says(
    /API is on (\S+) [^]*psql '(\S+)'[^]*^Ready/m,
  );
  const keeper = (await processes()).find(({ parent }) => parent === own.pid);
  await call(api!, 'POST', '/jobs', { type: 'import_catalog', payload: {} });
  await until('it to run', async () =>
    (await scrape(`${api}/metrics`)).has(
      'kyu_job_wait_seconds_count{job_type="import_catalog"}',
    ),
  );
  own.ctrlC();
  await own.says(/waiting for 1 running job/);
  own.ctrlC();
  expect(await own.ended()).toBe(0);
  expect(own.output).toMatch(/1 of them were given back/);
  expect(own.lines.at(-1)).toBe('Stopped.');
  await expectNothingLeft(tmp, keeper!.id, [postgres!]);
  rmSync(tmp, { recursive: true });
});
