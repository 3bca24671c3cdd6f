import type { Job, KyuOptions } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { Scheduler } from '../../libs/kyu/src/maintenance/scheduler.js';
import { Gate } from '../support/gate.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

const FAST: KyuOptions = { heartbeatInterval: '250ms', heartbeatTimeout: '2s' };

let broken: boolean;
let gate: Gate;
beforeEach(() => {
  broken = false;
  gate = new Gate();
});

/** Without Redis, where it does not matter: a change by hand is then seen at the next poll, within a second. */
const WITHOUT_REDIS: KyuOptions = { redis: false };

const start = (options: KyuOptions = {}): Promise<TestKyu> =>
  startKyu({
    options: { ...FAST, maxRetries: 0, ...options },
    handlers: {
      work: () => {
        if (broken) throw new Error('no');
        return 'done';
      },
      hold: () => gate.wait(),
    },
  });

const reaches = (kyu: TestKyu, id: string, status: string): Promise<Job> =>
  until(`the job to be ${status}`, async () => {
    const job = await kyu.queue.inspect(id);
    return job.status === status ? job : undefined;
  });

const edit = (kyu: TestKyu, id: string, set: string): Promise<unknown> =>
  kyu.sql(`UPDATE jobs SET ${set} WHERE id = $1`, [id]);

/** What the scheduler does every few seconds: what was edited so that it may run now is found. */
const look = (kyu: TestKyu): Promise<unknown> =>
  kyu.app.get(Scheduler).runOnce();

describe('a row that has ended, edited by hand', () => {
  it('runs again if it was dead and is pending', async () => {
    const kyu = await start();
    broken = true;
    const id = await kyu.queue.enqueue('work', null);
    const dead = await reaches(kyu, id, 'dead');
    expect(dead.errorMessage).toBe('no');
    broken = false;
    await edit(kyu, id, `status = 'pending', completed_at = NULL`);
    await look(kyu);
    const job = await reaches(kyu, id, 'completed');
    expect(job).toMatchObject({
      result: 'done',
      errorMessage: null,
      claimToken: 2,
    });
    expect(job.history.map(({ outcome }) => outcome)).toEqual([
      'dead',
      'completed',
    ]);
    expect(await kyu.queue.deadJobs()).toEqual([]);
  });

  it('runs again if it was completed and is pending', async () => {
    const kyu = await start(WITHOUT_REDIS);
    const id = await kyu.queue.enqueue('work', null);
    await reaches(kyu, id, 'completed');
    const [first] = (await kyu.queue.inspect(id)).history;
    await edit(
      kyu,
      id,
      `status = 'pending', completed_at = NULL, result = NULL`,
    );
    expect(await reaches(kyu, id, 'completed')).toMatchObject({
      result: 'done',
      claimToken: 2,
      history: [
        first,
        { token: 2, worker: first!.worker, outcome: 'completed' },
      ],
    });
  });

  it('runs again if it was cancelled while it waited, and is not cancelled again', async () => {
    const kyu = await start(WITHOUT_REDIS);
    const id = await kyu.queue.enqueue('work', null, {
      scheduledAt: new Date(Date.now() + 3_600_000),
    });
    await kyu.queue.cancelJob(id);
    const settled = kyu.nextEvent('job.settled');
    await edit(
      kyu,
      id,
      `status = 'pending', completed_at = NULL, scheduled_at = now()`,
    );
    expect(await settled).toMatchObject({ id, status: 'completed' });
  });

  it('has the history that it was given', async () => {
    const kyu = await start(WITHOUT_REDIS);
    const id = await kyu.queue.enqueue('work', null);
    await reaches(kyu, id, 'completed');
    await edit(kyu, id, `ran_by = NULL, ran_at = NULL`);
    expect((await kyu.queue.inspect(id)).history).toEqual([]);
    await edit(
      kyu,
      id,
      `history = '[1, null, "x"]', status = 'pending', completed_at = NULL`,
    );
    const { history } = await reaches(kyu, id, 'completed');
    expect(history.slice(0, 3)).toEqual([1, null, 'x']);
    expect(history[3]).toMatchObject({ outcome: 'completed', token: 2 });
  });

  it('keeps the newest 100 runs of a history that was filled by hand', async () => {
    const kyu = await start(WITHOUT_REDIS);
    const id = await kyu.queue.enqueue('work', null);
    await reaches(kyu, id, 'completed');
    await edit(
      kyu,
      id,
      `history = (SELECT jsonb_agg(n) FROM generate_series(1, 100) AS n), ran_by = NULL, ran_at = NULL, status = 'pending', completed_at = NULL`,
    );
    const { history } = await reaches(kyu, id, 'completed');
    expect(history).toHaveLength(100);
    expect(history[0]).toBe(2);
    expect(history[99]).toMatchObject({ outcome: 'completed' });
  });
});

describe('a running row that was edited by hand', () => {
  it.each([
    ['deleted', 'DELETE FROM jobs'],
    [
      'finished',
      `UPDATE jobs SET status = 'completed', completed_at = now(), locked_by = NULL, locked_at = NULL`,
    ],
    ['given another token', 'UPDATE jobs SET claim_token = 7'],
  ])('%s: its run is fenced, and its outcome not stored', async (_, sql) => {
    const kyu = await start();
    const id = await kyu.queue.enqueue('hold', null);
    await until('the job to run', () => gate.arrivals === 1);
    const lost = kyu.nextEvent('lease.lost');
    await kyu.sql(sql);
    const before = await kyu.sql('SELECT * FROM jobs');
    gate.open();
    expect(await lost).toMatchObject({ id, token: 1 });
    expect(await kyu.sql('SELECT * FROM jobs')).toEqual(before);
    const next = await kyu.queue.enqueue('work', null);
    await reaches(kyu, next, 'completed'); // the worker goes on
  });
});

describe('a row with a counter at its end holds up no other', () => {
  it('claim_token: it is not claimed, and those behind it are', async () => {
    const kyu = await start();
    await kyu.sql(
      `INSERT INTO jobs (id, queue, job_type, priority, claim_token) VALUES (gen_random_uuid(), $1, 'work', 1, 2147483647)`,
      [kyu.queueName],
    );
    await look(kyu);
    await until(
      'a worker to have popped it',
      async () => (await kyu.redis.zcard(kyu.queueName)) === 0,
    );
    const id = await kyu.queue.enqueue('work', null);
    await reaches(kyu, id, 'completed');
    expect(
      await kyu.sql('SELECT status, claim_token FROM jobs WHERE priority = 1'),
    ).toEqual([{ status: 'pending', claim_token: 2_147_483_647 }]);
    expect(kyu.logger.messages('error')).toEqual([]);
  });

  it('crash_count: it is dead, and the other jobs of lost workers are taken back', async () => {
    const kyu = await start();
    const lost = `INSERT INTO jobs (id, queue, job_type, status, locked_by, locked_at, crash_count)
      VALUES (gen_random_uuid(), $1, 'work', 'running', 'lost', now(), $2) RETURNING id`;
    const [end] = await kyu.sql<{ id: string }>(lost, [
      kyu.queueName,
      2_147_483_647,
    ]);
    const [row] = await kyu.sql<{ id: string }>(lost, [kyu.queueName, 0]);
    await reaches(kyu, row!.id, 'completed');
    const { crashCount } = await reaches(kyu, end!.id, 'dead');
    expect(crashCount).toBe(2_147_483_647);
  });
});
