import { until } from '@kyu/testing';
import { StaleReaper } from '../../libs/kyu/src/maintenance/stale-reaper.js';
import { WorkerIdentity } from '../../libs/kyu/src/runtime/worker-identity.js';
import { JobStore } from '../../libs/kyu/src/store/job-store.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

/** Defects of the original, by their numbers: who may run a job, and what becomes of it when its worker is gone. */

const LOST = 'gone:1:000000000000';

/** A job that a worker was running when it died: the row says running, nobody beats for it. */
async function orphan(
  kyu: TestKyu,
  columns: { crash_count?: number; max_retries?: number } = {},
): Promise<string> {
  const [row] = await kyu.sql<{ id: string }>(
    `INSERT INTO jobs (id, job_type, queue, status, locked_by, locked_at, started_at, claim_token, crash_count, max_retries)
     VALUES (gen_random_uuid(), 'work', $1, 'running', $2, now(), now(), 1, $3, $4) RETURNING id`,
    [kyu.queueName, LOST, columns.crash_count ?? 0, columns.max_retries ?? 3],
  );
  return row!.id;
}

const claimant = (kyu: TestKyu, worker: string) => ({
  worker,
  queue: kyu.queueName,
  jobTypes: ['work'],
});

it('defect 8: the claim was unguarded, so completed and cancelled jobs ran again', async () => {
  let runs = 0;
  const kyu = await startKyu({ handlers: { work: () => ++runs } });
  const completed = kyu.nextEvent('job.settled');
  const done = await kyu.queue.enqueue('work', null);
  await completed;
  const cancelled = await kyu.queue.enqueue('work', null, {
    scheduledAt: new Date(Date.now() + 60_000),
  });
  await kyu.queue.cancelJob(cancelled);
  await kyu.redis.zadd(kyu.queueName, 0, done, 0, cancelled);
  const next = kyu.nextEvent('job.settled');
  await kyu.queue.enqueue('work', null); // behind the two
  await next;
  await until(
    'the forged ids to be popped',
    async () => (await kyu.redis.zcard(kyu.queueName)) === 0,
  );
  expect(runs).toBe(2);
  expect((await kyu.queue.inspect(done)).claimToken).toBe(1);
  expect((await kyu.queue.inspect(cancelled)).status).toBe('cancelled');
});

it('defect 9: locked_by was the same in every process, so a zombie passed the fence', async () => {
  const kyu = await startKyu({ options: { mode: 'producer' } });
  const other = await startKyu({ beside: kyu, options: { mode: 'producer' } });
  const [a, b] = [kyu, other].map(({ app }) => app.get(WorkerIdentity).id);
  expect(a).not.toBe(b);

  const store = kyu.app.get(JobStore);
  const id = await kyu.queue.enqueue('work', null);
  const [zombie] = await store.claimPopped(claimant(kyu, a!), [id]);
  await kyu.sql(
    `UPDATE jobs SET status = 'pending', locked_by = NULL, locked_at = NULL WHERE id = $1`,
    [id],
  );
  const [owner] = await store.claimPopped(claimant(kyu, b!), [id]);
  const outcome = { status: 'completed', resultJson: '"late"' } as const;
  expect(
    await store.settleIfOwned(a!, [{ id, token: zombie!.token, outcome }]),
  ).toEqual(new Map());
  expect((await kyu.queue.inspect(id)).status).toBe('running');
  expect(
    await store.settleIfOwned(b!, [{ id, token: owner!.token, outcome }]),
  ).toEqual(new Map([[id, 'completed']]));
});

it('defect 10: the reaper set pending and staged nothing', async () => {
  const kyu = await startKyu({ handlers: { work: () => 'ran again' } });
  const settled = kyu.nextEvent('job.settled');
  const id = await orphan(kyu);
  await kyu.app.get(StaleReaper).runOnce();
  await settled;
  const job = await kyu.queue.inspect(id);
  expect(job).toMatchObject({
    status: 'completed',
    result: 'ran again',
    crashCount: 1,
    retryCount: 0,
  });
  expect(
    job.history.map(({ outcome, worker }) => [outcome, worker === LOST]),
  ).toEqual([
    ['crashed', true],
    ['completed', false],
  ]);
});

it('defect 11: the reaper selected, then updated: a job that completed in between ran again', async () => {
  const kyu = await startKyu({ options: { mode: 'producer' } });
  const reaper = kyu.app.get(StaleReaper);
  const id = await orphan(kyu);
  // Its worker lives after all and is settling at this moment: the row is locked, its new state not yet visible.
  await kyu.sql('BEGIN');
  await kyu.sql(
    `UPDATE jobs SET status = 'completed', completed_at = now(), locked_by = NULL, locked_at = NULL WHERE id = $1`,
    [id],
  );
  expect(await reaper.runOnce()).toMatchObject({ rescued: 0, dead: 0 });
  await kyu.sql('COMMIT');
  expect(await reaper.runOnce()).toMatchObject({ rescued: 0, dead: 0 });
  expect((await kyu.queue.inspect(id)).status).toBe('completed');
});

it('defect 12: no heartbeat, so a long job was stale while it ran', async () => {
  const options = {
    heartbeatInterval: 250,
    heartbeatTimeout: 1_500,
    staleJobTimeout: '1s',
  } as const;
  const kyu = await startKyu({
    options,
    handlers: {
      // The work itself takes twice the silence that makes a worker lost.
      work: () => new Promise((resolve) => setTimeout(resolve, 3_000)),
    },
  });
  const reaper = await startKyu({
    beside: kyu,
    options,
    handlers: { other: () => undefined },
  });
  let rescued = 0;
  for (const { events } of [kyu, reaper])
    events.on('job.rescued', () => rescued++);
  const settled = kyu.nextEvent('job.settled');
  const id = await kyu.queue.enqueue('work', null);
  await settled;
  expect(rescued).toBe(0);
  expect(await kyu.queue.inspect(id)).toMatchObject({
    status: 'completed',
    crashCount: 0,
    claimToken: 1,
  });
});

it('defect 13: the reaper never counted crashes, so a poison pill looped for ever', async () => {
  const kyu = await startKyu({ options: { mode: 'producer', maxCrashes: 3 } });
  const rescued = kyu.nextEvent('job.rescued');
  const id = await orphan(kyu, { crash_count: 2, max_retries: 100 });
  await kyu.app.get(StaleReaper).runOnce();
  expect(await rescued).toMatchObject({ id, status: 'dead', worker: LOST });
  const job = await kyu.queue.inspect(id);
  expect(job).toMatchObject({ status: 'dead', crashCount: 3, retryCount: 0 });
  expect(job.errorMessage).toContain(LOST);
});

it('defect 23: a cancel between pop and claim was overwritten by running', async () => {
  const kyu = await startKyu({ options: { mode: 'producer' } });
  const id = await kyu.queue.enqueue('work', null);
  await until('it to be staged', () => kyu.redis.zscore(kyu.queueName, id));
  const [popped] = await kyu.redis.zpopmin(kyu.queueName);
  await kyu.queue.cancelJob(id);
  expect(
    await kyu.app.get(JobStore).claimPopped(claimant(kyu, 'any'), [popped!]),
  ).toEqual([]);
  expect((await kyu.queue.inspect(id)).status).toBe('cancelled');
});
