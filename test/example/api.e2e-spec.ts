import { until } from '@kyu/testing';
import { call, type Answer } from './api-client.js';
import { buildExample } from './build-example.js';
import { endAllShops, ShopProcess } from './shop-process.js';
import { ShopTable } from './shop-table.js';

const NOBODY = '00000000-0000-7000-8000-000000000000';
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

const post = (body: unknown): Promise<Answer> =>
  call(url, 'POST', '/jobs', body);

const enqueue = async (body: object): Promise<string> => {
  const { status, body: answer } = await post(body);
  expect(status).toBe(201);
  return answer.id as string;
};

const statusOf = async (id: string): Promise<unknown> =>
  (await call(url, 'GET', `/jobs/${id}`)).body.status;

describe('the HTTP API of the shop', () => {
  it('enqueues a raw string and shows the job with its history', async () => {
    const id = await enqueue({ type: 'send_sms', payload: 'Hi "you"\n' });
    await until(
      'it to be completed',
      async () => (await statusOf(id)) === 'completed',
    );
    const { status, body } = await call(url, 'GET', `/jobs/${id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      jobType: 'send_sms',
      payload: 'Hi "you"\n',
      result: { length: 9 },
      history: [{ outcome: 'completed' }],
    });
  });

  it('takes scheduledAt as an ISO string, and cancels once', async () => {
    const scheduledAt = '2040-02-29T12:00:00+02:00';
    const id = await enqueue({
      type: 'send_newsletter',
      payload: {},
      options: { scheduledAt, priority: 7, timeout: '1m', maxRetries: 0 },
    });
    const { body } = await call(url, 'GET', `/jobs/${id}`);
    expect(body).toMatchObject({
      status: 'scheduled',
      scheduledAt: '2040-02-29T10:00:00.000Z',
      priority: 7,
      timeoutMs: 60_000,
      maxRetries: 0,
    });
    const cancelled = await call(url, 'DELETE', `/jobs/${id}`);
    expect(cancelled).toEqual({
      status: 200,
      body: { id, status: 'cancelled' },
    });
    const again = await call(url, 'DELETE', `/jobs/${id}`);
    expect(again.status).toBe(409);
    expect(again.body.code).toBe('KYU_JOB_NOT_CANCELLABLE');
  });

  it('cancels a running job: 202, and soon it is cancelled', async () => {
    const id = await enqueue({ type: 'import_catalog', payload: {} });
    await until('it to run', async () => (await statusOf(id)) === 'running');
    const { status, body } = await call(url, 'DELETE', `/jobs/${id}`);
    expect({ status, body }).toEqual({
      status: 202,
      body: { id, status: 'cancelling' },
    });
    await until(
      'it to be cancelled',
      async () => (await statusOf(id)) === 'cancelled',
    );
  });

  it('refuses a payload that the schema of its job refuses', async () => {
    const { status, body } = await post({
      type: 'remind_of_cart',
      payload: { to: 'nobody', items: 1 },
    });
    expect(status).toBe(400);
    expect(body.message).toContain('to: ');
  });

  it('has reports in a queue of their own, and refuses what is none', async () => {
    const order = { month: 'May', pages: 1 };
    const { status, body } = await call(url, 'POST', '/reports', order);
    expect(status).toBe(201);
    const id = body.jobId as string;
    const report = (): Promise<Answer> => call(url, 'GET', `/reports/${id}`);
    await until(
      'it to be completed',
      async () => (await report()).body.status === 'completed',
    );
    expect((await call(url, 'GET', `/jobs/${id}`)).status).toBe(404);
    const none = await call(url, 'POST', '/reports', { ...order, pages: 0 });
    expect(none.status).toBe(400);
    expect((await call(url, 'GET', '/health')).body).toMatchObject({
      status: 'ok',
      details: { kyu: { status: 'up' }, reports: { status: 'up' } },
    });
  });

  it('hands the id of a request on to its jobs, and to theirs', async () => {
    const response = await fetch(`${url}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': 'r-7' },
      body: JSON.stringify({
        number: 7,
        customer: 'ada@example.com',
        items: [{ sku: 'tea', quantity: 1 }],
      }),
    });
    expect(response.headers.get('x-request-id')).toBe('r-7');
    const of7 = `select job_type from jobs where context::text like '%r-7%' and status = 'completed' order by id`;
    await until('order and receipt', async () => {
      return (await table.sql(of7)).length === 2;
    });
    expect(await table.sql(of7)).toEqual([
      { job_type: 'place_order' },
      { job_type: 'send_receipt' },
    ]);
    expect(shop.output).toMatch(
      /\[Jobs\] \[send_receipt .*\] done \(request r-7\)/,
    );
  });

  const sms = (fields: object): object => ({
    type: 'send_sms',
    payload: 'x',
    ...fields,
  });
  const at = (scheduledAt: unknown): object =>
    sms({ options: { scheduledAt } });

  it.each<[string, unknown]>([
    ['malformed JSON', '{"type":'],
    ['a list', []],
    ['no type', { payload: 'x' }],
    ['a type that is no string', sms({ type: 7 })],
    ['an empty type', sms({ type: '' })],
    ['no payload', sms({ payload: undefined })],
    ['an unknown field', sms({ priority: 1 })],
    ['options that are null', sms({ options: null })],
    ['options that are a list', sms({ options: [] })],
    ['an unknown option', sms({ options: { prio: 1 } })],
    // As text, because a literal would set the prototype.
    [
      'an option __proto__',
      '{"type":"x","payload":1,"options":{"__proto__":{}}}',
    ],
    ['a priority that is text', sms({ options: { priority: '1' } })],
    ['negative retries', sms({ options: { maxRetries: -1 } })],
    ['a timeout in no unit', sms({ options: { timeout: '1y' } })],
    ['a time in words', at('tomorrow')],
    ['a time as number', at(1_900_000_000_000)],
    ['a time without zone', at('2040-01-01T00:00:00')],
    ['the 30th of February', at('2040-02-30T00:00:00Z')],
    ['a 25th hour', at('2040-01-01T25:00:00Z')],
    ['a zone that is none', at('2040-01-01T00:00:00+99:99')],
    ['null as time', at(null)],
  ])('refuses %s with 400 and stores nothing', async (_, body) => {
    const count = 'select count(*)::int as n from jobs';
    const [before] = await table.sql<{ n: number }>(count);
    const { status, body: answer } = await post(body);
    expect({ status, answer }).toMatchObject({
      status: 400,
      answer: { statusCode: 400, message: expect.any(String) as string },
    });
    expect(await table.sql(count)).toEqual([before]);
  });

  it.each([
    ['GET', '/jobs/x', 400],
    ['GET', `/jobs/${NOBODY}`, 404],
    ['DELETE', `/jobs/${NOBODY}`, 404],
    ['DELETE', '/jobs/dead', 400],
    ['GET', '/jobs/dead?limit=0', 400],
    ['GET', '/jobs/dead?limit=many', 400],
    ['GET', '/jobs/dead?limit=1&limit=2', 400],
    ['GET', '/jobs/dead?before=x', 400],
    ['GET', '/health', 200],
  ] as const)('answers %s %s with %i', async (method, path, status) => {
    expect((await call(url, method, path)).status).toBe(status);
  });

  it('lists dead jobs page by page, the newest first', async () => {
    const dead: string[] = [];
    for (let order = 1; order <= 3; order++)
      dead.unshift(
        await enqueue({
          type: 'refund_card',
          payload: { order, cardExpired: true },
        }),
      );
    await until('them to be dead', async () => {
      const statuses = await Promise.all(dead.map(statusOf));
      return statuses.every((status) => status === 'dead');
    });
    const page = async (query: string): Promise<unknown[]> => {
      const { body } = await call(url, 'GET', `/jobs/dead?${query}`);
      return (body as unknown as { id: string }[]).map(({ id }) => id);
    };
    expect(await page('limit=2')).toEqual(dead.slice(0, 2));
    expect(await page(`limit=2&before=${dead[1]}`)).toEqual(dead.slice(2));
  });

  it('buries a charge that its guard refuses, at once', async () => {
    const payload = { order: 1, cents: 500_001 };
    const id = await enqueue({ type: 'charge_card', payload });
    await until('it to be dead', async () => (await statusOf(id)) === 'dead');
    const { body } = await call(url, 'GET', `/jobs/${id}`);
    expect(body).toMatchObject({
      retryCount: 0,
      history: [{ error: expect.stringContaining('need a person') as string }],
    });
  });
});
