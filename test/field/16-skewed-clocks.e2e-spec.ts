import { jest } from '@jest/globals';
import { until } from '@kyu/testing';
import { Pruner } from '../../libs/kyu/src/maintenance/pruner.js';
import { openAppDataSource } from '../support/app-database.js';
import { KyuChild } from '../support/kyu-child.js';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

const HOUR_MS = 3_600_000;

/** Sets the clock of this process, or back with 0. */
function setClockAhead(ms: number): void {
  jest.restoreAllMocks();
  const now = Date.now;
  if (ms !== 0) jest.spyOn(Date, 'now').mockImplementation(() => now() + ms);
}

/** How far the time in an id is from the clock of PostgreSQL. */
const aheadMs = async (kyu: TestKyu, id: string): Promise<number> => {
  const [row] = await kyu.sql<{ ms: number }>(
    'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS ms',
  );
  return Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16) - row!.ms;
};

const saidOfClocks = ({ logger }: TestKyu): string[] =>
  logger.messages('warn').filter((line) => line.includes('clock of this'));

/** A producer process with a clock of its own. */
const startProducer = (kyu: TestKyu, clockAheadMs: number): Promise<KyuChild> =>
  KyuChild.start(
    {
      mode: 'producer',
      queueName: kyu.queueName,
      postgres: { url: POSTGRES_URL, schema: kyu.schema },
      redis: { url: REDIS_URL },
    },
    { clockAheadMs },
  );

const enqueueBy = async (child: KyuChild, count: number): Promise<string[]> => {
  const before = child.heard('acked').length;
  child.tell({ enqueue: count });
  await until('the jobs', () => child.heard('acked').length === before + count);
  return child
    .heard('acked')
    .slice(before)
    .map(({ id }) => id)
    .sort();
};

describe('field 16: a producer whose clock is wrong', () => {
  afterEach(() => setClockAhead(0));

  it('enqueues in its turn, from its first job on', async () => {
    const kyu = await startKyu({ options: { mode: 'producer' } });
    const [ahead, behind] = await Promise.all([
      startProducer(kyu, 2 * HOUR_MS),
      startProducer(kyu, -2 * HOUR_MS),
    ]);
    const enqueued: string[] = [];
    for (const enqueue of [
      () => enqueueBy(ahead, 5),
      async () => [await kyu.queue.enqueue('quick', null)],
      () => enqueueBy(behind, 5),
      async () => [await kyu.queue.enqueue('quick', null)],
      () => enqueueBy(ahead, 5),
    ]) {
      enqueued.push(...(await enqueue()));
      // On a busy machine a round trip may be long, and processes agree to within half of one.
      await until('the last job to be half a second old', async () => {
        const [row] = await kyu.sql<{ old: boolean }>(
          `SELECT max(created_at) < clock_timestamp() - interval '500 ms' AS old FROM jobs`,
        );
        return row!.old;
      });
    }
    const rows = await kyu.sql<{ id: string }>(
      `SELECT id FROM jobs WHERE status = 'pending' ORDER BY priority DESC, id`,
    );
    expect(rows.map(({ id }) => id)).toEqual(enqueued);
  });

  it('leaves no job in the table for longer than its retention', async () => {
    const kyu = await startKyu({
      handlers: { quick: () => undefined },
      options: { retention: { completed: '1s' } },
    });
    const child = await startProducer(kyu, 2 * HOUR_MS);
    await enqueueBy(child, 1);
    const pruned = await until('the job to be removed', async () => {
      const counts = await kyu.app.get(Pruner, { strict: false }).runOnce();
      return counts.pruned;
    });
    expect(pruned).toBe(1);
  });

  it('is told so once, with what it means', async () => {
    setClockAhead(2 * HOUR_MS);
    const kyu = await startKyu({ handlers: { work: () => undefined } });
    await kyu.queue.enqueue('work', null);
    expect(saidOfClocks(kyu)).toEqual([
      expect.stringMatching(
        /is (2 h|1 h 59 min 5\d s)( \d s)? ahead of that of PostgreSQL.*keep their order.*scheduledAt/,
      ),
    ]);
  });

  it('is not told when it is right', async () => {
    const kyu = await startKyu();
    expect(saidOfClocks(kyu)).toEqual([]);
  });
});

describe('field 16: every answer to an enqueue carries the time', () => {
  afterEach(() => setClockAhead(0));

  type Enqueue = (kyu: TestKyu) => Promise<string>;
  const WAYS: Record<string, Enqueue> = {
    'enqueue()': ({ queue }) => queue.enqueue('work', null),
    'enqueue(), claimed at once': ({ queue }) => queue.enqueue('here', null),
    'enqueueMany()': async ({ queue }) => {
      const ids = await queue.enqueueMany([
        { type: 'work', payload: 1 },
        { type: 'work', payload: 2 },
      ]);
      return ids[0]!;
    },
    'enqueue({ manager })': async ({ queue }) => {
      const dataSource = await openAppDataSource();
      return dataSource.transaction((manager) =>
        queue.enqueue('work', null, { manager }),
      );
    },
  };

  it.each(Object.entries(WAYS))(
    '%s: after one answer the clock of a process that was set is made up for',
    async (_, enqueue) => {
      const kyu = await startKyu({ handlers: { here: () => undefined } });
      // More than the test may take; and back again, which is the harder way.
      for (const ms of [HOUR_MS, 0]) {
        setClockAhead(ms);
        await enqueue(kyu);
        const id = await enqueue(kyu);
        expect(Math.abs(await aheadMs(kyu, id))).toBeLessThan(20_000);
      }
    },
  );
});
