import { until } from '@kyu/testing';
import { backoffMs } from '../../libs/kyu/src/job/backoff.js';
import { REDIS_URL } from '../support/servers.js';
import { startKyu } from '../support/start-kyu.js';

/** I19: first in, first out within a priority; retries are spread, and end. */

describe('I19 after 50 000 failures at once, with jitter', () => {
  it.each([2, 4, 6, 8, 10, 12, 13, 40])(
    'no second of retry %d holds more than 3 times the mean',
    (retry) => {
      const policy = { baseMs: 1_000, capMs: 3_600_000, jitter: true };
      const longest = backoffMs(retry, { ...policy, jitter: false });
      const buckets = new Map<number, number>();
      for (let i = 0; i < 50_000; i++) {
        const wait = backoffMs(retry, policy);
        if (wait < 0 || wait > longest) throw new Error(`a wait of ${wait} ms`);
        // The last bucket is closed: a draw may be rounded up to its end.
        const second = Math.floor(Math.min(wait, longest - 1) / 1_000);
        buckets.set(second, (buckets.get(second) ?? 0) + 1);
      }
      const mean = 50_000 / (longest / 1_000);
      expect(Math.max(...buckets.values())).toBeLessThanOrEqual(3 * mean);
      expect(buckets.size).toBeGreaterThan((longest / 1_000) * 0.9);
    },
  );
});

describe.each([
  ['Redis', { url: REDIS_URL }],
  ['PostgreSQL alone', false],
] as const)('with %s', (_, redis) => {
  it('I19 one slot runs 500 jobs by priority, and first in, first out within one', async () => {
    const order: number[] = [];
    const kyu = await startKyu({ options: { redis, mode: 'producer' } });
    const priorities = Array.from({ length: 500 }, (__, n) => (n * 7) % 3);
    // Half in one statement, half one by one.
    await kyu.queue.enqueueMany(
      priorities
        .slice(0, 250)
        .map((priority, n) => ({ type: 'work', payload: n, priority })),
    );
    for (let n = 250; n < 500; n++)
      await kyu.queue.enqueue('work', n, { priority: priorities[n]! });
    await startKyu({
      beside: kyu,
      options: { redis, workers: 1 },
      handlers: { work: (n: number) => order.push(n) },
    });
    await until('all to run', () => order.length === 500, 20_000);
    const expected = priorities
      .map((priority, n) => ({ priority, n }))
      .toSorted((a, b) => b.priority - a.priority || a.n - b.n);
    expect(order).toEqual(expected.map(({ n }) => n));
  });

  it('I19 waits double up to the cap, and retries end', async () => {
    const kyu = await startKyu({
      options: { redis, backoff: { base: 10, cap: 30 } },
      handlers: {
        work: () => {
          throw new Error('always');
        },
      },
    });
    await kyu.sql(`CREATE TABLE "${kyu.schema}".waits (n serial, ms integer)`);
    await kyu.sql(`CREATE FUNCTION "${kyu.schema}".note() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN INSERT INTO "${kyu.schema}".waits (ms) VALUES (round(extract(epoch FROM NEW.scheduled_at - now()) * 1000)); RETURN NULL; END $$`);
    await kyu.sql(
      `CREATE TRIGGER note AFTER UPDATE ON jobs FOR EACH ROW WHEN (NEW.status = 'failed' AND OLD.status = 'running') EXECUTE FUNCTION "${kyu.schema}".note()`,
    );
    const dead = kyu.nextEvent(
      'job.settled',
      ({ status }) => status === 'dead',
    );
    const id = await kyu.queue.enqueue('work', null, { maxRetries: 5 });
    await dead;
    expect(await kyu.queue.inspect(id)).toMatchObject({
      status: 'dead',
      retryCount: 5,
      claimToken: 6,
    });
    expect(
      (
        await kyu.sql<{ ms: number }>(
          `SELECT ms FROM "${kyu.schema}".waits ORDER BY n`,
        )
      ).map(({ ms }) => ms),
    ).toEqual([10, 20, 30, 30, 30]);
  });
});
