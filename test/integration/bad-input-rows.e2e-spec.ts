import type { Job, JobContext, KyuOptions } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { Scheduler } from '../../libs/kyu/src/maintenance/scheduler.js';
import { Gate } from '../support/gate.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

/** The reaper looks every second. */
const FAST: KyuOptions = { heartbeatInterval: '250ms', heartbeatTimeout: '2s' };

/** What `note` was called with, in order. */
let notes: { payload: unknown; context: JobContext }[];
let gate: Gate;
beforeEach(() => {
  notes = [];
  gate = new Gate();
});

const start = (options = {}): Promise<TestKyu> =>
  startKyu({
    options: { ...FAST, ...options },
    handlers: {
      note: (payload: unknown, context: JobContext) => {
        notes.push({ payload, context });
        return 'noted';
      },
      hold: () => gate.wait(),
      fail: () => {
        throw new Error('no');
      },
      hang: (_: unknown, { signal }: JobContext) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () =>
            reject(signal.reason as Error),
          );
        }),
    },
  });

/** The only worker is busy until the gate opens, so that what is enqueued now can be edited before it runs. */
async function startBusy(): Promise<TestKyu> {
  const kyu = await start({ workers: 1 });
  await kyu.queue.enqueue('hold', null);
  await until('the worker to be busy', () => gate.arrivals === 1);
  return kyu;
}

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

async function insert(kyu: TestKyu, columns: string, values: string) {
  const [row] = await kyu.sql<{ id: string }>(
    `INSERT INTO jobs (id, queue, ${columns}) VALUES (gen_random_uuid(), $1, ${values}) RETURNING id`,
    [kyu.queueName],
  );
  return row!.id;
}

describe('a waiting row that was edited by hand', () => {
  it('runs with the payload and the retries that it has now', async () => {
    const kyu = await startBusy();
    const id = await kyu.queue.enqueue('note', 'before');
    const failing = await kyu.queue.enqueue('fail', null);
    await edit(kyu, id, `payload = '{"a": 1, "a": [2, "\\u0000"]}'`);
    await edit(kyu, failing, `max_retries = 0`);
    gate.open();
    await reaches(kyu, id, 'completed');
    expect(notes[0]!.payload).toEqual({ a: [2, '\0'] });
    expect(await reaches(kyu, failing, 'dead')).toMatchObject({
      retryCount: 0,
      errorMessage: 'no',
    });
  });

  it('is as urgent as its priority is now', async () => {
    const kyu = await startBusy();
    const [first, second] = await kyu.queue.enqueueMany(
      ['first', 'second'].map((payload) => ({ type: 'note', payload })),
    );
    await edit(kyu, second!, 'priority = 10');
    await look(kyu);
    gate.open();
    await reaches(kyu, first!, 'completed');
    expect(notes.map(({ payload }) => payload)).toEqual(['second', 'first']);
    expect(notes[0]!.context.priority).toBe(10);
  });

  it('has the timeout that it has now', async () => {
    const kyu = await startBusy();
    const id = await kyu.queue.enqueue('hang', null, { timeout: '1h' });
    await edit(kyu, id, 'timeout_ms = 20, max_retries = 0');
    gate.open();
    const job = await reaches(kyu, id, 'dead');
    expect(job.errorMessage).toContain('longer than its timeout of 20 ms');
  });

  it('waits when its type was changed to one that nobody handles', async () => {
    const kyu = await startBusy();
    const id = await kyu.queue.enqueue('note', null);
    await edit(kyu, id, `job_type = 'nobody'`);
    const unhandled = kyu.nextEvent('job.unhandled');
    gate.open();
    expect(await unhandled).toEqual({ id, jobType: 'nobody' });
    expect(await kyu.queue.inspect(id)).toMatchObject({
      status: 'pending',
      retryCount: 0,
      history: [],
    });
    await edit(kyu, id, `job_type = 'note'`);
    await look(kyu);
    await reaches(kyu, id, 'completed');
  });

  it('waits when it was put off, and starts when it was brought forward', async () => {
    const kyu = await startBusy();
    const [late, early] = await Promise.all([
      kyu.queue.enqueue('note', 'late'),
      kyu.queue.enqueue('note', 'early', {
        scheduledAt: new Date(Date.now() + 3_600_000),
      }),
    ]);
    await edit(kyu, late, `scheduled_at = now() + interval '1 hour'`);
    await edit(kyu, early, `scheduled_at = now()`);
    await look(kyu);
    gate.open();
    await reaches(kyu, early, 'completed');
    expect((await kyu.queue.inspect(late)).status).toBe('pending');
  });

  it('is not run here when it was given to another queue', async () => {
    const kyu = await startBusy();
    const id = await kyu.queue.enqueue('note', 'moved');
    await edit(kyu, id, `queue = 'another'`);
    const next = await kyu.queue.enqueue('note', 'stays');
    gate.open();
    await reaches(kyu, next, 'completed');
    expect(notes.map(({ payload }) => payload)).toEqual(['stays']);
  });

  it('is gone when it was deleted, and nobody minds', async () => {
    const kyu = await startBusy();
    const id = await kyu.queue.enqueue('note', 'deleted');
    await kyu.sql('DELETE FROM jobs WHERE id = $1', [id]);
    const next = await kyu.queue.enqueue('note', 'stays');
    gate.open();
    await reaches(kyu, next, 'completed');
    expect(notes).toHaveLength(1);
    expect(kyu.logger.messages('error')).toEqual([]);
  });
});

describe('a row that was inserted by hand', () => {
  it('needs an id, a type and a queue, and is picked up and run', async () => {
    const kyu = await start();
    const id = await insert(kyu, 'job_type', `'note'`);
    await look(kyu);
    const job = await reaches(kyu, id, 'completed');
    expect(job).toMatchObject({ result: 'noted', retryCount: 0, priority: 0 });
    expect(notes).toEqual([
      { payload: null, context: expect.objectContaining({ id, attempt: 1 }) },
    ]);
  });

  it('runs at once if it was due long ago, waits if it is due in ages, and harms nobody', async () => {
    const kyu = await start({ redis: false });
    const never = await insert(
      kyu,
      'job_type, status, scheduled_at',
      `'note', 'scheduled', '294276-12-31T23:59:59Z'`,
    );
    const always = await insert(
      kyu,
      'job_type, scheduled_at',
      `'note', '4713-01-01T00:00:00Z BC'`,
    );
    await reaches(kyu, always, 'completed');
    const soon = await kyu.queue.enqueue('note', null, {
      scheduledAt: new Date(Date.now() + 50),
    });
    await reaches(kyu, soon, 'completed');
    expect((await kyu.queue.inspect(never)).status).toBe('scheduled');
    expect(kyu.logger.messages('warn')).toEqual([]);
  });

  it('is rescued if it says it runs on a worker that nobody knows', async () => {
    const kyu = await start();
    const ids = await Promise.all(
      ['now()', `'1970-01-01'`, `'9999-12-31'`].map((lockedAt) =>
        insert(
          kyu,
          'job_type, status, locked_by, locked_at',
          `'note', 'running', 'me', ${lockedAt}`,
        ),
      ),
    );
    for (const id of ids) {
      const job = await reaches(kyu, id, 'completed');
      expect(job).toMatchObject({ crashCount: 1, retryCount: 0 });
      expect(job.history.map(({ outcome }) => outcome)).toEqual([
        'crashed',
        'completed',
      ]);
    }
  });

  it('with more retries used than it may have runs once more', async () => {
    const kyu = await start({ redis: false });
    const counts = 'job_type, retry_count, max_retries';
    const max = 2_147_483_647;
    const good = await insert(kyu, counts, `'note', ${max}, 0`);
    const bad = await insert(kyu, counts, `'fail', ${max}, ${max}`);
    expect((await reaches(kyu, good, 'completed')).retryCount).toBe(max);
    expect((await reaches(kyu, bad, 'dead')).retryCount).toBe(max);
  });
});
