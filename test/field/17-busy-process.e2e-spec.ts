import { setImmediate as turn } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { initialize } from '../../libs/kyu/src/store/held-up.js';
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
function newSource(url: string): DataSource {
  const source = new DataSource({
    type: 'postgres',
    url,
    connectTimeoutMS: TIMER_MS,
    extra: { idleTimeoutMillis: 1, min: 0, query_timeout: 3 * TIMER_MS },
  });
  sources.push(source);
  return source;
}

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
      message: expect.stringMatching(/^This process was too busy/) as string,
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
});
