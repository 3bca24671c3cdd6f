import { Worker } from 'node:worker_threads';
import { jest } from '@jest/globals';
import { until } from '@kyu/testing';
import { PooledHeartbeat } from '../../libs/kyu/src/store/pooled-heartbeat.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

const TIMING = { heartbeatInterval: 250, heartbeatTimeout: 2_000 };
const FALLBACK = /^The heartbeat comes from the main thread/;

const fallbacks = (kyu: TestKyu): string[] =>
  kyu.logger.messages('warn').filter((line) => FALLBACK.test(line));

async function beatAt(kyu: TestKyu): Promise<number> {
  const [row] = await kyu.sql<{ at: Date }>(
    'SELECT heartbeat_at AS at FROM workers',
  );
  return row!.at.getTime();
}

async function beats(kyu: TestKyu): Promise<void> {
  const before = await beatAt(kyu);
  await until('two beats', async () => (await beatAt(kyu)) > before + 300);
}

async function works(kyu: TestKyu): Promise<void> {
  const settled = kyu.nextEvent('job.settled');
  await kyu.queue.enqueue('work', null);
  expect(await settled).toMatchObject({ status: 'completed' });
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('field 17: a heartbeat thread that ends', () => {
  it('is replaced by beats from the main thread, which is said once, and the worker goes on', async () => {
    const told = jest.spyOn(Worker.prototype, 'postMessage');
    const kyu = await startKyu({
      handlers: { work: () => 1 },
      options: { ...TIMING, redis: false },
    });
    await beats(kyu);
    expect(fallbacks(kyu)).toEqual([]);
    kyu.queue.register('another', () => 1); // the thread is told
    const thread = await until('it to be told', () => told.mock.contexts[0]);
    await (thread as Worker).terminate();
    await beats(kyu);
    await works(kyu);
    expect(fallbacks(kyu)).toEqual([
      expect.stringContaining('heartbeatTimeout (2000 ms)') as string,
    ]);
    kyu.queue.register('a third', () => 1);
    await until('its type to be known', async () => {
      const [row] = await kyu.sql<{ types: string[] }>(
        'SELECT job_types AS types FROM workers',
      );
      return row!.types.includes('a third');
    });
    await kyu.close();
    expect(await kyu.sql('SELECT FROM workers')).toEqual([]);
  });
});

describe('field 17: a beat from the main thread', () => {
  it('is one at a time, however often its values change', async () => {
    const open: (() => void)[] = [];
    const sent: unknown[] = [];
    const heartbeat = new PooledHeartbeat(
      ([value]) => {
        sent.push(value);
        return new Promise<void>((resolve) => {
          open.push(resolve);
        });
      },
      ['first'],
      60_000,
      60_000,
      () => undefined,
    );
    await until('the first, which is overdue', () => sent.length === 1);
    heartbeat.update(['second']);
    heartbeat.update(['third']);
    expect(sent).toEqual(['first']);
    open[0]!();
    await until('the next', () => sent.length === 2);
    expect(sent).toEqual(['first', 'third']);
    let stopped = false;
    const stop = heartbeat.stop().then(() => {
      stopped = true;
    });
    await Promise.resolve();
    expect(stopped).toBe(false); // a beat under way would register the worker again
    open[1]!();
    await stop;
  });
});
