import { until } from '@kyu/testing';
import { aJob, openStores, type Stores } from '../support/stores.js';
import { REDIS_URL } from '../support/servers.js';
import { startKyu } from '../support/start-kyu.js';

/** I9: a claim commits at a time of the database that is not before scheduled_at. */

const HOUR_MS = 3_600_000;

describe('I9 the statements', () => {
  let stores: Stores;
  beforeEach(async () => {
    stores = await openStores();
  });
  afterEach(() => stores.close());

  const claimant = () => ({
    worker: 'w',
    queue: stores.queue,
    jobTypes: ['work'],
  });
  const claimEveryWay = async (id: string): Promise<unknown[]> => [
    ...(await stores.jobs.claimPopped(claimant(), [id])),
    ...(await stores.jobs.claimWaiting(claimant(), 10)),
    ...(await stores.maintenance.promoteDue(stores.queue, 10)).promoted,
    ...(await stores.maintenance.bestWaiting(stores.queue, 10, HOUR_MS)),
    ...(await stores.jobs.claimPopped(claimant(), [id])),
  ];

  it('claim no future job, by id or by order, and promote none', async () => {
    const [job] = await stores.jobs.enqueue(stores.queue, [
      aJob({ scheduledAt: new Date(Date.now() + HOUR_MS) }),
    ]);
    expect(await claimEveryWay(job!.id)).toEqual([]);
  });

  it('claim no failed job before its time', async () => {
    const [job] = await stores.jobs.enqueue(stores.queue, [aJob()]);
    const [run] = await stores.jobs.claimPopped(claimant(), [job!.id]);
    await stores.jobs.settleIfOwned('w', [
      {
        ...run!,
        outcome: { status: 'failed', retryInMs: HOUR_MS, error: 'x' },
      },
    ]);
    expect(await claimEveryWay(job!.id)).toEqual([]);
  });

  it('claim no pending job that was put off meanwhile', async () => {
    const [job] = await stores.jobs.enqueue(stores.queue, [aJob()]);
    await stores.sql(`UPDATE jobs SET scheduled_at = now() + interval '1 h'`);
    expect(await claimEveryWay(job!.id)).toEqual([]);
  });
});

it('I9 a hint in Redis for a scheduled job is refused, and the job starts in its time', async () => {
  const kyu = await startKyu({ handlers: { work: () => undefined } });
  const later = new Date(Date.now() + HOUR_MS);
  const id = await kyu.queue.enqueue('work', 1, { scheduledAt: later });
  for (let i = 0; i < 3; i++) {
    await kyu.redis.zadd(kyu.queueName, -100 - i, id);
    await until('the hint to be popped', async () => {
      return (await kyu.redis.zcard(kyu.queueName)) === 0;
    });
    const next = kyu.nextEvent('job.settled');
    const other = await kyu.queue.enqueue('work', 2);
    expect((await next).id).toBe(other);
  }
  expect(await kyu.queue.inspect(id)).toMatchObject({
    status: 'scheduled',
    claimToken: 0,
  });
  const settled = kyu.nextEvent('job.settled', (event) => event.id === id);
  await kyu.sql(`UPDATE jobs SET scheduled_at = now() WHERE id = $1`, [id]);
  await settled;
});

it.each([
  ['Redis', { url: REDIS_URL }],
  ['PostgreSQL alone', false],
] as const)(
  'I9 no claim commits early among schedules and retries, by a clock that is hours fast, with %s',
  async (_, redis) => {
    const now = Date.now;
    const kyu = await startKyu({
      handlers: {
        work: (n: number) => {
          if (n % 2 === 0) throw new Error('again');
        },
      },
      options: { redis, workers: 10, backoff: { base: 150, jitter: true } },
    });
    await kyu.sql(`CREATE TABLE "${kyu.schema}".claims (early boolean)`);
    await kyu.sql(`CREATE FUNCTION "${kyu.schema}".note() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN INSERT INTO "${kyu.schema}".claims VALUES (now() < NEW.scheduled_at); RETURN NULL; END $$`);
    await kyu.sql(
      `CREATE TRIGGER note AFTER UPDATE ON jobs FOR EACH ROW WHEN (NEW.status = 'running') EXECUTE FUNCTION "${kyu.schema}".note()`,
    );
    const start = now();
    try {
      Date.now = () => now() + 5 * HOUR_MS; // all of this process believes it
      const farOff = await kyu.queue.enqueue('work', 1, {
        scheduledAt: new Date(start + HOUR_MS),
      });
      await kyu.queue.enqueueMany(
        Array.from({ length: 60 }, (__, n) => ({
          type: 'work',
          payload: n,
          maxRetries: 2,
          scheduledAt: new Date(start + n * 20),
        })),
      );
      await until('all to end', async () => {
        const [row] = await kyu.sql<{ live: number }>(
          `SELECT count(*)::int AS live FROM jobs WHERE completed_at IS NULL`,
        );
        return row!.live === 1;
      });
      expect(await kyu.queue.inspect(farOff)).toMatchObject({
        status: 'scheduled',
        claimToken: 0,
      });
    } finally {
      Date.now = now;
    }
    expect(
      await kyu.sql(
        `SELECT count(*)::int AS all, count(*) FILTER (WHERE early)::int AS early FROM "${kyu.schema}".claims`,
      ),
    ).toEqual([{ all: 30 + 30 * 3, early: 0 }]);
  },
);
