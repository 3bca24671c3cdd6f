import {
  setImmediate as turn,
  setTimeout as sleep,
} from 'node:timers/promises';
import { QueueClosedError } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { DataSource } from 'typeorm';
import { KYU_OWN_DATA_SOURCE } from '../../libs/kyu/src/kyu.tokens.js';
import { Database } from '../../libs/kyu/src/store/database.js';
import { initialize } from '../../libs/kyu/src/store/held-up.js';
import { poolOf } from '../../libs/kyu/src/store/pool-of.js';
import { Sessions } from '../../libs/kyu/src/store/sessions.js';
import { Statement } from '../../libs/kyu/src/store/statement.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { makeImpatient } from '../support/impatient-pool.js';
import { POSTGRES_URL } from '../support/servers.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

const TIMER_MS = 400;
const sources: DataSource[] = [];
const proxies: FaultProxy[] = [];

afterEach(async () => {
  for (const proxy of proxies.splice(0)) await proxy.close();
  for (const source of sources.splice(0))
    if (source.isInitialized) await source.destroy();
});

/** A data source whose connections close as soon as they are idle, so that each call needs a new one. */
function newSource(url: string, more: object = {}): DataSource {
  const source = new DataSource({
    type: 'postgres',
    url,
    connectTimeoutMS: TIMER_MS,
    extra: {
      idleTimeoutMillis: 1,
      min: 0,
      query_timeout: 3 * TIMER_MS,
      ...more,
    },
  });
  sources.push(source);
  return source;
}

const newDatabase = (source: DataSource): Database =>
  new Database(source, { schema: 'none', prefix: '' });

const ASK = new Statement('ask', () => 'SELECT 1');

/** Nothing else of this thread runs meanwhile. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** A producer on a proxy, without an idle connection: its next statement needs a new one. */
async function startProducer(): Promise<{ kyu: TestKyu; proxy: FaultProxy }> {
  const proxy = await FaultProxy.open(POSTGRES_URL);
  proxies.push(proxy);
  const kyu = await startKyu({
    options: {
      mode: 'producer',
      redis: false,
      postgres: { url: proxy.url },
    },
  });
  await makeImpatient(kyu.app, {
    connectionTimeoutMillis: TIMER_MS,
    query_timeout: 3 * TIMER_MS,
  });
  return { kyu, proxy };
}

/** What became of work during whose connect this process stood still. */
async function duringABlock<T>(work: () => Promise<T>): Promise<T> {
  const done = work();
  done.catch(() => undefined);
  await turn(); // the connect is under way
  block(3 * TIMER_MS);
  return done;
}

describe('field 17: a process whose event loop was blocked', () => {
  it('stores the job with its second try to connect', async () => {
    const { kyu } = await startProducer();
    const id = await duringABlock(() => kyu.queue.enqueue('job', 1));
    expect((await kyu.queue.inspect(id)).payload).toBe(1);
  });

  it('boots with its second try to connect', async () => {
    const source = newSource(POSTGRES_URL);
    await duringABlock(() => initialize(source));
    expect(source.isInitialized).toBe(true);
  });

  it('that is blocked again says so, and not that PostgreSQL cannot be reached', async () => {
    const { kyu, proxy } = await startProducer();
    proxy.set('deaf');
    const failed = kyu.queue.enqueue('job', 1).catch((error: Error) => error);
    for (let n = 0; n < 4; n++) {
      await turn();
      block(2 * TIMER_MS);
    }
    expect(await failed).toMatchObject({
      code: 'KYU_POSTGRES_UNAVAILABLE',
      outcome: 'not done',
      message: expect.stringMatching(
        /^This process was too busy.*timer of 400 ms for a connection fired after \d+ ms/,
      ) as string,
    });
  });

  it('that missed the answer to a statement says so, and that its outcome is unknown', async () => {
    const { kyu, proxy } = await startProducer();
    await kyu.queue.enqueue('job', 1);
    const failed = kyu.queue.enqueue('job', 2).catch((error: Error) => error);
    proxy.set('late'); // connected by then, or it could not have begun
    await turn();
    block(5 * TIMER_MS);
    proxy.set('none');
    const error = await failed;
    expect(error).toMatchObject({
      code: 'KYU_POSTGRES_UNAVAILABLE',
      outcome: 'unknown',
      message: expect.stringMatching(
        /^This process was too busy.*timer of 1200 ms for an answer fired/,
      ) as string,
    });
  });
});

describe('field 17: a PostgreSQL that does not answer', () => {
  it('is said to be absent, after one try', async () => {
    const { kyu, proxy } = await startProducer();
    proxy.set('deaf');
    await expect(kyu.queue.enqueue('job', 1)).rejects.toThrow(
      /^PostgreSQL cannot be reached/,
    );
  });

  it('is said to be absent when the statement had to wait for a free connection first', async () => {
    const { kyu, proxy } = await startProducer();
    const pool = poolOf(kyu.app.get<DataSource>(KYU_OWN_DATA_SOURCE));
    const held = await Promise.all(
      Array.from({ length: pool.options.max }, () => pool.connect()),
    );
    const enqueued = kyu.queue
      .enqueue('job', 1)
      .catch((error: unknown) => error);
    await until('it to wait', () => pool.waitingCount > 0);
    await sleep(0.8 * TIMER_MS);
    proxy.set('deaf');
    for (const client of held) client.release();
    expect(await enqueued).toMatchObject({
      message: expect.stringMatching(/^PostgreSQL cannot be reached/) as string,
      outcome: 'unknown',
    });
  });

  it('is said to be absent when none of all its connections came free', async () => {
    const { kyu, proxy } = await startProducer();
    const pool = poolOf(kyu.app.get<DataSource>(KYU_OWN_DATA_SOURCE));
    const held = await Promise.all(
      Array.from({ length: pool.options.max }, () => pool.connect()),
    );
    proxy.set('deaf');
    await expect(kyu.queue.enqueue('job', 1)).rejects.toThrow(
      /^PostgreSQL cannot be reached/,
    );
    for (const client of held) client.release(true);
  });

  it('is said to be absent when it has connected slowly, and does not answer the set-up of the session', async () => {
    const proxy = await FaultProxy.open(POSTGRES_URL);
    proxies.push(proxy);
    let isSlow = false;
    const source = newSource(proxy.url, {
      onConnect: async () => {
        if (!isSlow) return;
        await sleep(0.8 * TIMER_MS);
        proxy.set('deaf');
      },
      verify: new Sessions(true).verify({}),
    });
    await source.initialize();
    await until('no connection', () => poolOf(source).totalCount === 0);
    isSlow = true;
    await expect(newDatabase(source).run(ASK, [])).rejects.toMatchObject({
      message: expect.stringMatching(/^PostgreSQL cannot be reached/) as string,
      outcome: 'not done',
    });
  });
});

describe('field 17: a process that was blocked while the session of a new connection was set up', () => {
  it('says so, and that nothing was stored', async () => {
    const { kyu, proxy } = await startProducer();
    const pool = poolOf(kyu.app.get<DataSource>(KYU_OWN_DATA_SOURCE));
    const blockAtEach = (): void => {
      proxy.set('late');
      setImmediate(() => {
        block(5 * TIMER_MS);
        proxy.set('none'); // a second try connects
      });
    };
    pool.on('connect', blockAtEach);
    const error: unknown = await kyu.queue
      .enqueue('job', 1)
      .catch((failure: unknown) => failure);
    pool.off('connect', blockAtEach);
    expect(error).toMatchObject({
      outcome: 'not done',
      message: expect.stringMatching(
        /^This process was too busy.*an answer fired after.*Nothing was stored/,
      ) as string,
    });
    await kyu.queue.enqueue('job', 2);
    expect(await kyu.sql('SELECT payload FROM jobs')).toEqual([{ payload: 2 }]);
  });
});

it('field 17: a statement after the end of its data source is one of a closed queue', async () => {
  const source = newSource(POSTGRES_URL);
  await source.initialize();
  const database = newDatabase(source);
  await source.destroy();
  await expect(database.run(ASK, [])).rejects.toThrow(QueueClosedError);
});
