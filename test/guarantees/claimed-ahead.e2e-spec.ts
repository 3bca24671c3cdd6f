import { StaleReaper } from '../../libs/kyu/src/maintenance/stale-reaper.js';
import { until } from '@kyu/testing';
import { Client } from 'pg';
import { Gate } from '../support/gate.js';
import { KyuChild } from '../support/kyu-child.js';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

/** A worker claims more jobs than it has slots when its handlers are quick. What it owns and does not run yet keeps every promise, too. */

const quick = (count: number) =>
  Array.from({ length: count }, () => ({ type: 'quick', payload: null }));

const count = async (kyu: TestKyu, where: string): Promise<number> => {
  const [row] = await kyu.sql<{ count: number }>(
    `SELECT count(*)::int AS count FROM jobs WHERE ${where}`,
  );
  return row!.count;
};

/** A worker with one slot that has learnt that its handlers are quick. */
async function startTrained(
  hold: () => Promise<void>,
  quickHandler: (payload: unknown, context: { id: string }) => unknown,
): Promise<TestKyu> {
  const kyu = await startKyu({
    options: { workers: 1 },
    handlers: { hold, quick: quickHandler },
  });
  await kyu.queue.enqueueMany(quick(300));
  await until(
    'it to have run many quick jobs',
    async () => (await count(kyu, `status = 'completed'`)) === 300,
  );
  return kyu;
}

/** A job that holds the slot, and quick ones that its worker may claim meanwhile; the ids of these. */
async function holdWithJobsBehind(kyu: TestKyu, gate: Gate): Promise<string[]> {
  const [, ...ids] = await kyu.queue.enqueueMany([
    { type: 'hold', payload: null, priority: 1 },
    ...quick(20),
  ]);
  await until('the slot to be held', () => gate.arrivals);
  return ids;
}

it('I11 a job that was cancelled before its handler began never begins', async () => {
  const gate = new Gate();
  const began = new Set<string>();
  const kyu = await startTrained(
    () => gate.wait(),
    (_, { id }) => began.add(id),
  );
  const ids = await holdWithJobsBehind(kyu, gate);
  for (const id of ids) await kyu.queue.cancelJob(id);
  // A handler that begins within some milliseconds of its claim is too quick for anybody.
  await until(
    'the claims to be older than that',
    async () =>
      (await count(
        kyu,
        `status = 'running' AND locked_at > now() - interval '100 milliseconds'`,
      )) === 0,
  );
  gate.open();
  await until(
    'all to be cancelled',
    async () => (await count(kyu, `status = 'cancelled'`)) === ids.length,
  );
  expect(ids.filter((id) => began.has(id))).toEqual([]);
});

it('I13 jobs behind a slow one are run by a worker that is idle, within 5 s', async () => {
  const gate = new Gate();
  try {
    const kyu = await startTrained(
      () => gate.wait(),
      () => undefined,
    );
    const ids = await holdWithJobsBehind(kyu, gate);
    const idle = await startKyu({
      beside: kyu,
      handlers: { quick: () => undefined },
    });
    await until(
      'all quick jobs to run while the slow one still runs',
      async () =>
        (await count(idle, `status = 'completed'`)) === 300 + ids.length,
      6_000,
    );
  } finally {
    gate.open();
  }
});

it('I10 jobs that were claimed beside one that kills its worker run elsewhere, their retries untouched', async () => {
  const kyu = await startKyu({ options: { mode: 'producer' } });
  const timing = { heartbeatInterval: 250, heartbeatTimeout: 1_000 };
  const child = await KyuChild.start({
    ...timing,
    workers: 1,
    queueName: kyu.queueName,
    redis: { url: REDIS_URL },
    postgres: { url: POSTGRES_URL, schema: kyu.schema },
  });
  await kyu.queue.enqueueMany(quick(300));
  await until(
    'it to have run many quick jobs',
    async () => (await count(kyu, `status = 'completed'`)) === 300,
  );
  const [hold, ...ids] = await kyu.queue.enqueueMany([
    { type: 'hold', payload: null, priority: 1 },
    ...quick(20),
  ]);
  await child.says('start', hold);
  child.kill('SIGKILL');
  await child.ended();
  const other = await startKyu({
    beside: kyu,
    options: timing,
    handlers: { quick: () => undefined, hold: () => undefined },
  });
  await until(
    'all to run elsewhere',
    async () =>
      (await count(other, `status = 'completed'`)) === 301 + ids.length,
  );
  expect((await other.queue.inspect(hold!)).crashCount).toBe(1);
  // The first crash counts for whatever its worker had claimed; see the next test for those that follow.
  expect(await count(other, 'crash_count > 1')).toBe(0);
  expect(await count(other, 'retry_count > 0')).toBe(0);
});

it('I10 a second crash counts only for a job that had begun: a poison pill does not bury its neighbours', async () => {
  const kyu = await startKyu({ options: { mode: 'producer', maxCrashes: 2 } });
  const lost = async (began: boolean): Promise<string> => {
    const [row] = await kyu.sql<{ id: string }>(
      `INSERT INTO jobs (id, job_type, queue, status, locked_by, locked_at, started_at, claim_token, crash_count)
       VALUES (gen_random_uuid(), 'work', $1, 'running', 'gone', now(), $2, 2, 1) RETURNING id`,
      [kyu.queueName, began ? new Date() : null],
    );
    return row!.id;
  };
  const [culprit, neighbour] = [await lost(true), await lost(false)];
  await kyu.app.get(StaleReaper).runOnce();
  expect(await kyu.queue.inspect(culprit)).toMatchObject({
    status: 'dead',
    crashCount: 2,
  });
  expect(await kyu.queue.inspect(neighbour)).toMatchObject({
    status: 'pending',
    crashCount: 1,
  });
});

it('I5 a worker that stood still between asking and beginning does not begin a job that was taken back meanwhile', async () => {
  const kyu = await startKyu({ options: { mode: 'producer' } });
  const timing = { heartbeatInterval: 250, heartbeatTimeout: 1_000 };
  // Whoever puts a run on record has to wait for this test.
  const LOCK = 471_147;
  const waitForTest = `"${kyu.schema}".wait_for_test()`;
  await kyu.sql(`CREATE FUNCTION ${waitForTest} RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN IF NEW.started_at IS NOT NULL THEN PERFORM pg_advisory_xact_lock(${LOCK}, hashtext(TG_TABLE_SCHEMA)); END IF; RETURN NEW; END $$`);
  await kyu.sql(
    `CREATE TRIGGER wait_for_test BEFORE UPDATE OF started_at ON jobs FOR EACH ROW EXECUTE FUNCTION ${waitForTest}`,
  );
  const gatekeeper = new Client({ connectionString: POSTGRES_URL });
  await gatekeeper.connect();
  try {
    await gatekeeper.query('SELECT pg_advisory_lock($1, hashtext($2))', [
      LOCK,
      kyu.schema,
    ]);
    const child = await KyuChild.start({
      ...timing,
      queueName: kyu.queueName,
      redis: { url: REDIS_URL },
      postgres: { url: POSTGRES_URL, schema: kyu.schema },
    });
    const [row] = await kyu.sql<{ id: string }>(
      `INSERT INTO jobs (id, job_type, queue, crash_count) VALUES (gen_random_uuid(), 'hold', $1, 1) RETURNING id`,
      [kyu.queueName],
    );
    await kyu.redis.zadd(kyu.queueName, 0, row!.id); // or nobody looks for it for seconds
    await until(
      'it to ask',
      async () =>
        (
          await gatekeeper.query(
            'SELECT FROM pg_locks WHERE classid = $1 AND objid::int8 = hashtext($2)::int8 & 4294967295 AND NOT granted',
            [LOCK, kyu.schema],
          )
        ).rowCount === 1,
    );
    child.kill('SIGSTOP');
    await gatekeeper.query('SELECT pg_advisory_unlock_all()');
    const other = await startKyu({
      beside: kyu,
      options: timing,
      handlers: { hold: () => undefined },
    });
    await until(
      'the job to be taken back, and to run elsewhere',
      async () => (await count(other, `status = 'completed'`)) === 1,
    );
    await other.close();
    child.kill('SIGCONT');
    const next = await kyu.queue.enqueue('hold', null);
    await child.says('start', next);
    expect(child.heard('start', row!.id)).toEqual([]);
  } finally {
    await gatekeeper.end();
  }
});

it('I12 a job that was claimed ahead goes back although somebody held its row at that moment, and its worker stays busy', async () => {
  const gate = new Gate();
  const kyu = await startTrained(
    () => gate.wait(),
    () => undefined,
  );
  const holder = new Client({ connectionString: POSTGRES_URL });
  await holder.connect();
  try {
    const [held, ...others] = await holdWithJobsBehind(kyu, gate);
    await until(
      'it to be claimed',
      async () => (await kyu.queue.inspect(held!)).status === 'running',
    );
    await holder.query('BEGIN');
    await holder.query(
      `SELECT FROM "${kyu.schema}".kyu_jobs WHERE id = $1 FOR UPDATE`,
      [held],
    );
    await until(
      'the others to be given back',
      async () => (await count(kyu, `status = 'pending'`)) === others.length,
    );
    expect((await kyu.queue.inspect(held!)).status).toBe('running');
    await holder.query('COMMIT');
    await until(
      'it to be given back, too',
      async () => (await kyu.queue.inspect(held!)).status === 'pending',
      5_000,
    );
  } finally {
    gate.open();
    await holder.end();
  }
});

it('I13 a job that comes while its worker waits is run by the first claim, whatever the heartbeat’s timing', async () => {
  const kyu = await startKyu({
    options: { heartbeatInterval: 500, heartbeatTimeout: 1_000 },
    handlers: { work: () => undefined },
  });
  const released: string[] = [];
  kyu.events.on('job.released', ({ id }) => released.push(id));
  // One after the other, each into the middle of a wait.
  for (let i = 0; i < 3; i++) {
    const begun = performance.now();
    await until('the worker to wait', () => performance.now() - begun > 700);
    const id = await kyu.queue.enqueue('work', null);
    await until(
      'it to be completed',
      async () => (await kyu.queue.inspect(id)).status === 'completed',
    );
    expect((await kyu.queue.inspect(id)).claimToken).toBe(1);
  }
  expect(released).toEqual([]);
});

it('I18 what was claimed ahead goes back at once when the worker stops', async () => {
  const gate = new Gate();
  const kyu = await startTrained(
    () => gate.wait(),
    () => undefined,
  );
  const ids = await holdWithJobsBehind(kyu, gate);
  const closed = kyu.close();
  await until(
    'the stop to give back what does not run',
    async () => (await count(kyu, `status = 'pending'`)) === ids.length,
    2_000,
  );
  gate.open();
  await closed;
  expect(await count(kyu, `retry_count > 0 OR crash_count > 0`)).toBe(0);
  expect(await count(kyu, `status = 'completed'`)).toBe(301);
});
