import { randomBytes } from 'node:crypto';
import { KyuModule, QueueService } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { bootApp, newGround, runSql } from '../support/boot-app.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { isWaiting } from '../support/is-waiting.js';
import { KyuChild } from '../support/kyu-child.js';
import { RestartablePostgres } from '../support/restartable-postgres.js';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';
import { startKyu } from '../support/start-kyu.js';

/** I1 and I2: what an acknowledged enqueue is worth, and what a rejected one means. */

const many = (count: number) =>
  Array.from({ length: count }, () => ({ type: 'work', payload: null }));

/** A database of its own on the test server, with a default for synchronous_commit. */
async function databaseWith(synchronousCommit: string): Promise<string> {
  const name = `kyu_test_${randomBytes(6).toString('hex')}`;
  await runSql(`CREATE DATABASE ${name}`);
  databases.push(name);
  await runSql(
    `ALTER DATABASE ${name} SET synchronous_commit = ${synchronousCommit}`,
  );
  const url = new URL(POSTGRES_URL);
  url.pathname = `/${name}`;
  return url.href;
}
const databases: string[] = [];
afterAll(async () => {
  for (const name of databases)
    await runSql(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
});

it.each([
  ['off', 'on'],
  ['local', 'on'],
  ['remote_write', 'on'], // weaker than `on` where there is a standby
  ['on', 'on'],
  ['remote_apply', 'remote_apply'],
])(
  'I1 an enqueue commits durably where synchronous_commit is %s: with %s',
  async (configured, expected) => {
    const url = await databaseWith(configured);
    const ground = newGround();
    const app = await bootApp({
      imports: [KyuModule.forRoot(ground.options({ postgres: { url } }))],
    });
    const queue = app.get(QueueService);
    const statuses: string[] = [];
    queue.events.on('job.enqueued', ({ status }) => statuses.push(status));
    queue.register('own', () => 0);
    const sql = (text: string): Promise<Record<string, unknown>[]> =>
      runSql(text.replaceAll('SCHEMA', `"${ground.schema}"`), [], url);
    await sql(`CREATE TABLE SCHEMA.seen (setting text)`);
    // Deferred: it runs at the commit itself, with the setting that the commit obeys.
    await sql(`CREATE FUNCTION SCHEMA.see() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN INSERT INTO SCHEMA.seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$`);
    await sql(`CREATE CONSTRAINT TRIGGER see AFTER INSERT ON SCHEMA.kyu_jobs DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION SCHEMA.see()`);
    await until('the worker to have nothing to do', () => isWaiting({ app }));
    await queue.enqueue('own', null);
    await queue.enqueue('work', null);
    await queue.enqueueMany(many(2));
    expect(statuses).toEqual(['running', 'pending', 'pending', 'pending']);
    expect(await sql('SELECT setting FROM SCHEMA.seen')).toEqual(
      Array.from({ length: 4 }, () => ({ setting: expected })),
    );
    await app.close();
  },
);

it('I1 no acknowledged job is lost when PostgreSQL crashes, though synchronous_commit is off', async () => {
  // Nothing but a commit that waits for it writes the log within the time of this test.
  const postgres = await RestartablePostgres.start({
    synchronous_commit: 'off',
    wal_writer_delay: '10s',
    fsync: 'on',
  });
  try {
    const { url } = postgres;
    const ground = newGround();
    const app = await bootApp({
      imports: [
        KyuModule.forRoot(
          ground.options({ mode: 'producer', redis: false, postgres: { url } }),
        ),
      ],
    });
    const jobs = `"${ground.schema}".kyu_jobs`;
    await runSql(`CREATE TABLE lost (id int); CHECKPOINT`, [], url);
    const acked: string[] = [];
    for (let i = 0; i < 20; i++)
      acked.push(await app.get(QueueService).enqueue('work', i));
    await runSql(`INSERT INTO lost VALUES (1)`, [], url); // the control: an ordinary commit
    await postgres.crash();
    await postgres.restart();
    const rows = await runSql<{ id: string }>(
      `SELECT id FROM ${jobs} ORDER BY id`,
      [],
      url,
    );
    expect(rows.map(({ id }) => id)).toEqual(acked);
    expect(await runSql(`SELECT FROM lost`, [], url)).toEqual([]);
    await app.close();
  } finally {
    await postgres.stop();
  }
});

it('I1 each acknowledged job has exactly one row when its producer is killed in the middle', async () => {
  const kyu = await startKyu({ options: { mode: 'producer' } });
  const producer = await KyuChild.start({
    mode: 'producer',
    queueName: kyu.queueName,
    redis: { url: REDIS_URL },
    postgres: { url: POSTGRES_URL, schema: kyu.schema },
  });
  producer.tell({ enqueue: 2_000 });
  await until('some to be acknowledged', () => producer.heard('acked')[50]);
  producer.kill('SIGKILL');
  expect(await producer.ended()).toBe('SIGKILL');
  const acked = producer.heard('acked').map(({ id }) => id);
  const [row] = await kyu.sql<{ count: number }>(
    `SELECT count(*)::int AS count FROM jobs WHERE id = ANY ($1) AND status = 'pending'`,
    [acked],
  );
  expect(row!.count).toBe(acked.length);
  expect(new Set(acked).size).toBe(acked.length);
});

it('I2 many jobs are stored all or none', async () => {
  const kyu = await startKyu({ options: { mode: 'producer' } });
  await expect(
    kyu.queue.enqueueMany([...many(3), { type: '', payload: null }]),
  ).rejects.toMatchObject({ code: 'KYU_INVALID_JOB' });
  // One that only the database refuses.
  await kyu.sql(
    `ALTER TABLE jobs ADD CONSTRAINT refused CHECK (job_type <> 'refused')`,
  );
  await expect(
    kyu.queue.enqueueMany([...many(3), { type: 'refused', payload: null }]),
  ).rejects.toThrow(/refused/);
  expect(await kyu.sql('SELECT FROM jobs')).toEqual([]);
});

it('I2 a job of a transaction exists if it commits, and no handler starts before', async () => {
  const started: string[] = [];
  const kyu = await startKyu({
    handlers: {
      work: (_: unknown, { id }: { id: string }) => started.push(id),
    },
  });
  const insert = async (): Promise<string> => {
    const [row] = await kyu.sql<{ id: string }>(
      `INSERT INTO jobs (id, job_type, queue) VALUES (gen_random_uuid(), 'work', $1) RETURNING id`,
      [kyu.queueName],
    );
    return row!.id;
  };
  await kyu.sql('BEGIN');
  const undone = await insert();
  await kyu.redis.zadd(kyu.queueName, 0, undone); // somebody tells the workers too early
  await until(
    'the id to be popped',
    async () => (await kyu.redis.zcard(kyu.queueName)) === 0,
  );
  await kyu.sql('ROLLBACK');
  await kyu.sql('BEGIN');
  const done = await insert();
  await kyu.redis.zadd(kyu.queueName, 0, done);
  await until(
    'the id to be popped',
    async () => (await kyu.redis.zcard(kyu.queueName)) === 0,
  );
  expect(started).toEqual([]);
  const settled = kyu.nextEvent('job.settled');
  await kyu.sql('COMMIT');
  expect((await settled).id).toBe(done);
  expect(started).toEqual([done]);
});

describe('I2 a rejected enqueue()', () => {
  let proxy: FaultProxy;
  beforeEach(async () => {
    proxy = await FaultProxy.open(POSTGRES_URL);
  });
  afterEach(() => proxy.close());
  const start = () =>
    startKyu({ options: { mode: 'producer', postgres: { url: proxy.url } } });

  it('stored nothing when PostgreSQL could not be reached', async () => {
    const kyu = await start();
    proxy.set('cut');
    await expect(kyu.queue.enqueue('work', null)).rejects.toThrow();
    proxy.set('none');
    expect(await kyu.sql('SELECT FROM jobs')).toEqual([]);
  });

  it('says that the outcome is unknown when the answer was lost', async () => {
    const kyu = await start();
    await kyu.queue.enqueue('warm', null);
    proxy.set('deaf');
    const rejected = kyu.queue.enqueue('work', null).catch((e: Error) => e);
    await until('the row', async () => {
      const rows = await kyu.sql(`SELECT FROM jobs WHERE job_type = 'work'`);
      return rows.length === 1;
    });
    proxy.resetAll();
    expect(await rejected).toMatchObject({
      message: expect.stringMatching(
        /unknown|may (or may not )?have been stored/i,
      ),
    });
  });
});
