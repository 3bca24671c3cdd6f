import { JOB_TRANSITIONS, type JobStatus } from '@kyu/nestjs';
import { WorkerIdentity } from '../../libs/kyu/src/runtime/worker-identity.js';
import { runSql } from '../support/boot-app.js';
import { RestartablePostgres } from '../support/restartable-postgres.js';
import { aJob, openStores, type Stores } from '../support/stores.js';
import { POSTGRES_URL } from '../support/servers.js';
import { startKyu } from '../support/start-kyu.js';

/** I3, I4, I7 and I8, held against the statements themselves. */

const COMPLETED = { status: 'completed', resultJson: null } as const;
const FAILED = { status: 'failed', retryInMs: 0, error: 'x' } as const;
const DEAD = { status: 'dead', error: 'x' } as const;
const STALE = {
  heartbeatTimeoutMs: 1_000,
  staleJobTimeoutMs: 60_000,
  maxCrashes: 100,
  limit: 100,
};

let stores: Stores;
beforeEach(async () => {
  stores = await openStores();
});
afterEach(() => stores.close());

const claimant = (worker: string) => ({
  worker,
  queue: stores.queue,
  jobTypes: ['work'],
});
const enqueue = async (count = 1): Promise<string[]> =>
  (
    await stores.jobs.enqueue(
      stores.queue,
      Array.from({ length: count }, () => aJob()),
    )
  ).map(({ id }) => id);
/** The whole row as text, so that any change shows. */
const rowOf = async (id: string): Promise<string> =>
  (
    await stores.sql<{ row: string }>(
      'SELECT to_jsonb(job)::text AS row FROM jobs AS job WHERE id = $1',
      [id],
    )
  )[0]!.row;

it('I3 a job has one owner, however many claim it at once, by id and by order', async () => {
  const ids = await enqueue(200);
  const claims = await Promise.all(
    Array.from({ length: 24 }, (_, i) =>
      i % 2
        ? stores.jobs.claimPopped(claimant(`w${i}`), ids)
        : stores.jobs.claimWaiting(claimant(`w${i}`), 20),
    ),
  );
  const claimed = claims.flat().map(({ id }) => id);
  expect(new Set(claimed).size).toBe(claimed.length);
});

it('I3 tokens never repeat, and only the newest may settle: after release, rescue, retry and a requeue by hand', async () => {
  const [id] = await enqueue();
  const used: { worker: string; token: number }[] = [];
  const claim = async (worker: string): Promise<number> => {
    const [job] = await stores.jobs.claimPopped(claimant(worker), [id!]);
    for (const { worker: old, token } of used) {
      const before = await rowOf(id!);
      const late = await stores.jobs.settleIfOwned(old, [
        { id: id!, token, outcome: COMPLETED },
      ]);
      expect(late.size).toBe(0);
      expect(
        await stores.jobs.releaseIfOwned(old, [{ id: id!, token }]),
      ).toEqual(new Map());
      expect(await rowOf(id!)).toBe(before);
    }
    used.push({ worker, token: job!.token });
    return job!.token;
  };
  await stores.jobs.releaseIfOwned('a', [{ id: id!, token: await claim('a') }]);
  await claim('b');
  await stores.maintenance.rescueStale(stores.queue, STALE); // nobody beats for b
  const token = await claim('c');
  await stores.jobs.settleIfOwned('c', [{ id: id!, token, outcome: FAILED }]);
  await stores.maintenance.promoteDue(stores.queue, 10);
  await claim('d');
  await stores.sql(
    `UPDATE jobs SET status = 'pending', locked_by = NULL, locked_at = NULL WHERE id = $1`,
    [id],
  );
  await claim('a');
  expect(used.map(({ token: each }) => each)).toEqual([1, 2, 3, 4, 5]);
});

it('I3 a claim that PostgreSQL forgot in a crash does not hand its token to somebody else', async () => {
  // synchronous_commit is promised for the enqueue only: a claim may be lost.
  const postgres = await RestartablePostgres.start({
    synchronous_commit: 'off',
    wal_writer_delay: '10s',
    fsync: 'on',
  });
  const fragile = await openStores(postgres.url);
  try {
    const [job] = await fragile.jobs.enqueue(fragile.queue, [aJob()]);
    const as = (worker: string) => ({
      worker,
      queue: fragile.queue,
      jobTypes: ['work'],
    });
    const [zombie] = await fragile.jobs.claimPopped(as('zombie'), [job!.id]);
    await postgres.crash();
    await postgres.restart();
    const [owner] = await fragile.jobs.claimPopped(as('owner'), [job!.id]);
    expect(owner).toBeDefined(); // else the claim had reached the disk after all, and this test shows nothing
    const late = await fragile.jobs.settleIfOwned('zombie', [
      { id: job!.id, token: zombie!.token, outcome: COMPLETED },
    ]);
    expect(late.size).toBe(0);
    const [row] = await runSql<{ locked_by: string }>(
      `SELECT locked_by FROM "${fragile.schema}".kyu_jobs`,
      [],
      postgres.url,
    );
    expect(row!.locked_by).toBe('owner');
  } finally {
    await fragile.close().catch(() => undefined);
    await postgres.stop();
  }
});

it('I4 a settle with an old token changes nothing, and is counted', async () => {
  const kyu = await startKyu({
    handlers: {
      work: (_: unknown, { id }: { id: string }) =>
        // Somebody takes the job while it runs.
        kyu.sql(
          `UPDATE jobs SET claim_token = claim_token + 1, locked_by = 'new' WHERE id = $1`,
          [id],
        ),
    },
  });
  const url = await kyu.app.listen(0).then(() => kyu.app.getUrl());
  const lost = kyu.nextEvent('lease.lost');
  const id = await kyu.queue.enqueue('work', null);
  expect(await lost).toEqual({ id, jobType: 'work', token: 1 });
  expect(await kyu.queue.inspect(id)).toMatchObject({
    status: 'running',
    lockedBy: 'new',
    claimToken: 2,
    history: [],
    result: null,
  });
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toMatch(/^kyu_leases_lost_total 1$/m);
});

it('I7 terminal is final: no statement moves a completed, dead or cancelled row', async () => {
  const [completed, dead, cancelled] = await enqueue(3);
  const [first, second] = await stores.jobs.claimPopped(claimant('a'), [
    completed!,
    dead!,
  ]);
  await stores.jobs.settleIfOwned('a', [
    { id: completed!, token: first!.token, outcome: COMPLETED },
    { id: dead!, token: second!.token, outcome: DEAD },
  ]);
  await stores.jobs.cancelIfUnfinished(stores.queue, cancelled!);
  for (const id of [completed!, dead!, cancelled!]) {
    const before = await rowOf(id);
    for (const outcome of [COMPLETED, FAILED, DEAD])
      for (const token of [0, 1, 2])
        await stores.jobs.settleIfOwned('a', [{ id, token, outcome }]);
    await stores.jobs.releaseIfOwned('a', [{ id, token: 1 }]);
    expect(
      await stores.jobs.cancelIfUnfinished(stores.queue, id),
    ).toBeUndefined();
    expect(await stores.jobs.claimPopped(claimant('b'), [id])).toEqual([]);
    expect(await stores.jobs.claimWaiting(claimant('b'), 10)).toEqual([]);
    await stores.maintenance.promoteDue(stores.queue, 10);
    await stores.maintenance.rescueStale(stores.queue, STALE);
    const week = { completed: 6e8, cancelled: 6e8, dead: 6e8 };
    await stores.maintenance.pruneFinished(stores.queue, week, 10);
    expect(await rowOf(id)).toBe(before);
  }
});

it('I8 only legal transitions happen, and running means that there is an owner', async () => {
  const kyu = await startKyu({
    options: {
      workers: 10,
      backoff: { base: 10, cap: 20 },
      drainTimeout: 0,
    },
    handlers: {
      work: async (n: number) => {
        await new Promise((resolve) => setImmediate(resolve));
        if (n % 3 === 0) throw new Error('sometimes');
      },
    },
  });
  await kyu.sql(`CREATE TABLE "${kyu.schema}".audit (old text, new text)`);
  await kyu.sql(`CREATE FUNCTION "${kyu.schema}".note() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO "${kyu.schema}".audit VALUES (OLD.status, NEW.status); RETURN NEW; END $$`);
  await kyu.sql(
    `CREATE TRIGGER note BEFORE UPDATE OF status ON jobs FOR EACH ROW EXECUTE FUNCTION "${kyu.schema}".note()`,
  );
  const ids: string[] = [];
  for (let n = 0; n < 150; n++) {
    ids.push(
      await kyu.queue.enqueue('work', n, {
        maxRetries: n % 2,
        ...(n % 5 === 0 && { scheduledAt: new Date(Date.now() + n) }),
      }),
    );
    if (n % 4 === 0)
      await kyu.queue
        .cancelJob(ids[Math.floor(Math.random() * ids.length)]!)
        .catch(() => undefined);
  }
  const { id: worker } = kyu.app.get(WorkerIdentity);
  await kyu.close(); // gives back what runs
  const moves = await kyu.sql<{ old: JobStatus; new: JobStatus }>(
    `SELECT DISTINCT old, new FROM "${kyu.schema}".audit`,
  );
  for (const move of moves)
    expect([move.old, ...JOB_TRANSITIONS[move.old]]).toContain(move.new);
  expect(moves.length).toBeGreaterThan(5);
  expect(
    await kyu.sql(
      `SELECT FROM jobs WHERE (status = 'running') <> (locked_by IS NOT NULL) OR locked_by = $1`,
      [worker],
    ),
  ).toEqual([]);
  for (const [status, owner, end] of [
    ['running', null, null],
    ['pending', 'x', null],
    ['completed', null, null],
    ['pending', null, 'now'],
    ['new', null, null],
  ])
    await expect(
      kyu.sql(
        `UPDATE jobs SET status = $1, locked_by = $2::text, completed_at = $3::timestamptz,
                locked_at = CASE WHEN $2::text IS NOT NULL THEN now() END`,
        [status, owner, end],
      ),
    ).rejects.toThrow(/violates check constraint/);
});

it.each([
  ['older', false],
  ['newer', true],
])(
  'I4 of two runs of one job that end in one batch, the %s first, the newer is stored, also when somebody holds another row of the batch',
  async (_, newerFirst) => {
    const [twice, held] = await enqueue(2);
    const ids = [twice!, held!];
    const [old] = await stores.jobs.claimPopped(claimant('a'), ids);
    await stores.jobs.releaseIfOwned('a', [{ id: twice!, token: old!.token }]);
    const [run] = await stores.jobs.claimPopped(claimant('a'), [twice!]);
    const somebody = stores.dataSource.createQueryRunner();
    await somebody.startTransaction();
    await somebody.query(
      `SELECT 1 FROM "${stores.schema}".kyu_jobs WHERE id = $1 FOR UPDATE`,
      [held],
    );
    const runs = [
      { id: twice!, token: old!.token, outcome: DEAD },
      { id: twice!, token: run!.token, outcome: COMPLETED },
    ];
    const settled = await stores.jobs.settleIfOwned('a', [
      ...(newerFirst ? runs.toReversed() : runs),
      { id: held!, token: 1, outcome: COMPLETED },
    ]);
    await somebody.rollbackTransaction();
    await somebody.release();
    expect([...settled]).toEqual([[twice, 'completed']]);
  },
);

it('two workers that meet at a row pass it over, also where the database asks for a stricter isolation', async () => {
  const { schema: database } = stores;
  const { dataSource } = stores;
  await dataSource.query(`CREATE DATABASE "${database}"`);
  try {
    await dataSource.query(
      `ALTER DATABASE "${database}" SET default_transaction_isolation = 'serializable'`,
    );
    const url = new URL(POSTGRES_URL);
    url.pathname = `/${database}`;
    const strict = await openStores(url.href);
    const [session] = await strict.sql<{ isolation: string }>(
      `SELECT current_setting('transaction_isolation') AS isolation`,
    );
    await strict.close();
    expect(session).toEqual({ isolation: 'read committed' });
  } finally {
    await dataSource.query(`DROP DATABASE "${database}"`);
  }
});
