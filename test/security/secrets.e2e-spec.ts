import { inspect } from 'node:util';
import { isolated, until } from '@kyu/testing';
import { runSql } from '../support/boot-app.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

/** Passwords and payloads stay where they belong: not in logs, not in errors, not on the metrics page. */

const PASSWORD = 'Pa55word-of-the-url';
const PAYLOAD = 'Secret-of-the-payload';

const ROLE = isolated().queueName;
beforeAll(() =>
  runSql(`CREATE ROLE ${ROLE} SUPERUSER LOGIN PASSWORD '${PASSWORD}'`),
);
afterAll(() => runSql(`DROP ROLE ${ROLE}`));

const withPassword = (url: string, username: string): string =>
  Object.assign(new URL(url), { username, password: PASSWORD }).href;

const page = async (kyu: TestKyu): Promise<string> => {
  if (!kyu.app.getHttpServer().listening) await kyu.app.listen(0, '127.0.0.1');
  return (await fetch(`${await kyu.app.getUrl()}/metrics`)).text();
};

/** Whatever a logger might print of it. */
const shown = (error: unknown): string =>
  [
    inspect(error, { depth: 10, showHidden: true }),
    String(error),
    JSON.stringify(error),
    (error as Error).stack,
  ].join('\n');

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => {
      throw new Error('It was expected to reject.');
    },
    (error: unknown) => error,
  );

it('an outage of both servers tells neither passwords nor payloads', async () => {
  const postgres = await FaultProxy.open(withPassword(POSTGRES_URL, ROLE));
  const redis = await FaultProxy.open(withPassword(REDIS_URL, 'default'));
  const errors: unknown[] = [];
  try {
    const kyu = await startKyu({
      options: {
        postgres: { url: postgres.url },
        redis: { url: redis.url },
        backoff: { base: 1 },
        heartbeatInterval: 250,
        heartbeatTimeout: 1_000,
        drainTimeout: 0,
      },
      handlers: {
        work: () => undefined,
        fails: () => {
          throw new TypeError('told');
        },
        returns: () => ({ a: PAYLOAD.repeat(10_000) }),
      },
    });
    for (const type of ['work', 'fails', 'returns', 'nobody'])
      await kyu.queue.enqueue(type, { a: PAYLOAD }, { maxRetries: 1 });
    await until('a job to be dead', async () => {
      return (await kyu.queue.deadJobs()).length > 0;
    });
    for (const fault of ['cut', 'deaf'] as const) {
      redis.set(fault);
      postgres.set(fault);
      const call = rejection(kyu.queue.enqueue('work', { a: PAYLOAD }));
      if (fault === 'deaf') postgres.set('cut');
      errors.push(await call, await rejection(kyu.queue.deadJobs()));
      await until('the log to tell of both', () =>
        ['PostgreSQL at', 'Redis at'].every((server) =>
          inspect(kyu.logger.lines).includes(`${server} 127.0.0.1`),
        ),
      );
      expect(await page(kyu)).not.toMatch(new RegExp(`${PASSWORD}|${PAYLOAD}`));
      redis.set('none');
      postgres.set('none');
      await until('Postgres to be back', () => kyu.queue.deadJobs());
    }
    await kyu.close();
    expect(kyu.logger.lines.length).toBeGreaterThan(3);
    for (const text of [...errors.map(shown), inspect(kyu.logger.lines)]) {
      expect(text).not.toContain(PASSWORD);
      expect(text).not.toContain(PAYLOAD);
    }
  } finally {
    await postgres.close();
    await redis.close();
  }
});

it('a row that PostgreSQL refuses tells no payload', async () => {
  const kyu = await startKyu({ options: { mode: 'producer' } });
  // PostgreSQL's detail of such an error is "Failing row contains (…)".
  await kyu.sql('ALTER TABLE jobs ADD CONSTRAINT own CHECK (priority < 100)');
  const error = await rejection(
    kyu.queue.enqueue('work', { a: PAYLOAD }, { priority: 100 }),
  );
  expect(String(error)).toContain('own');
  expect(shown(error)).not.toContain(PAYLOAD);
});

it('a refused payload is not in the refusal', async () => {
  const kyu = await startKyu({ options: { mode: 'producer' } });
  const cyclic: Record<string, unknown> = { a: PAYLOAD };
  cyclic.self = cyclic;
  for (const payload of [
    cyclic,
    PAYLOAD.repeat(100_000),
    { a: PAYLOAD, b: 1n },
  ])
    expect(
      shown(await rejection(kyu.queue.enqueue('work', payload))),
    ).not.toContain(PAYLOAD);
});

it('the labels of the metrics are bounded: types that nobody handles, errors and ids make no series', async () => {
  const kyu = await startKyu({
    handlers: {
      work: () => undefined,
      fails: (n: number) => {
        throw new Error(`error ${n}`);
      },
    },
  });
  const series = async (): Promise<string[]> =>
    (await page(kyu))
      .split('\n')
      .filter((line) => line.startsWith('kyu_'))
      .map((line) => line.slice(0, line.lastIndexOf(' ')));
  const round = async (): Promise<string[]> => {
    await kyu.queue.enqueueMany(
      Array.from({ length: 300 }, (_, n) => ({
        type: n % 3 === 0 ? 'work' : n % 3 === 1 ? 'fails' : `made-up-${n}`,
        payload: n,
        maxRetries: 0,
        priority: n,
      })),
    );
    await until('all to end', async () => {
      const live = await kyu.sql(
        `SELECT FROM jobs WHERE job_type IN ('work', 'fails') AND completed_at IS NULL`,
      );
      return live.length === 0;
    });
    return series();
  };
  const first = await round();
  expect(first.length).toBeLessThan(120);
  expect(await round()).toEqual(first);
  expect(first.join('\n')).not.toMatch(
    /made-up|error \d|[0-9a-f]{8}-[0-9a-f]{4}-7/,
  );
});
