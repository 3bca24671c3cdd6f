import { until } from '@kyu/testing';
import { Gate } from '../support/gate.js';
import { startKyu } from '../support/start-kyu.js';

/** What a claim may be late by: the timer, one promote, one pop and one claim, on a busy machine. Half the poll of 3 s, which is what starts them if the alarm does not. */
const LATE_MS = 1_500;

describe('jobs with a time', () => {
  it('start when they are due, and not before', async () => {
    const kyu = await startKyu({ handlers: { work: () => undefined } });
    const delays = [900, 350, 1_350];
    const ids = await Promise.all(
      delays.map((delay) =>
        kyu.queue.enqueue('work', null, {
          scheduledAt: new Date(Date.now() + delay),
        }),
      ),
    );
    await until('all to complete', async () => {
      const done = await kyu.sql(`SELECT FROM jobs WHERE status = 'completed'`);
      return done.length === delays.length;
    });
    for (const id of ids) {
      const { scheduledAt, history } = await kyu.queue.inspect(id);
      const late = Date.parse(history[0]!.startedAt) - scheduledAt.getTime();
      expect(late).toBeGreaterThanOrEqual(0);
      expect(late).toBeLessThan(LATE_MS);
    }
  });

  it('start on time in a worker when another process enqueued them', async () => {
    const worker = await startKyu({ handlers: { work: () => undefined } });
    const producer = await startKyu({
      beside: worker,
      options: { mode: 'producer' },
    });
    const settled = worker.nextEvent('job.settled');
    const id = await producer.queue.enqueue('work', null, {
      scheduledAt: new Date(Date.now() + 400),
    });
    await settled;
    const { scheduledAt, history } = await worker.queue.inspect(id);
    const late = Date.parse(history[0]!.startedAt) - scheduledAt.getTime();
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(LATE_MS);
  });

  it('start although the process that enqueued them has ended', async () => {
    const worker = await startKyu({ handlers: { work: () => undefined } });
    const producer = await startKyu({
      beside: worker,
      options: { mode: 'producer' },
    });
    const settled = worker.nextEvent('job.settled');
    await producer.queue.enqueue('work', null, {
      scheduledAt: new Date(Date.now() + 400),
    });
    await producer.close();
    expect((await settled).status).toBe('completed');
  });

  it('are scheduled until then, and can be cancelled', async () => {
    const kyu = await startKyu({ handlers: { work: () => undefined } });
    const id = await kyu.queue.enqueue('work', null, {
      scheduledAt: new Date(Date.now() + 60_000),
    });
    expect((await kyu.queue.inspect(id)).status).toBe('scheduled');
    const cancelled = kyu.nextEvent('job.cancelled');
    await kyu.queue.cancelJob(id);
    expect(await cancelled).toEqual({ id, jobType: 'work' });
    expect(await kyu.queue.inspect(id)).toMatchObject({
      status: 'cancelled',
      completedAt: expect.any(Date),
    });
  });
});

describe('retries', () => {
  it('wait 1, 2, 4 … of the base, then the job is dead with all its errors', async () => {
    const kyu = await startKyu({
      options: { backoff: { base: 100 } },
      handlers: {
        fail: (_: unknown, { attempt }: { attempt: number }) => {
          throw new Error(`attempt ${attempt}`);
        },
      },
    });
    const dead = kyu.nextEvent(
      'job.settled',
      ({ status }) => status === 'dead',
    );
    const id = await kyu.queue.enqueue('fail', null, { maxRetries: 3 });
    await dead;
    const job = await kyu.queue.inspect(id);
    expect(job).toMatchObject({
      status: 'dead',
      retryCount: 3,
      errorMessage: 'attempt 4',
    });
    expect(job.history.map(({ error }) => error)).toEqual([
      'attempt 1',
      'attempt 2',
      'attempt 3',
      'attempt 4',
    ]);
    const starts = job.history.map(({ startedAt }) => Date.parse(startedAt));
    [100, 200, 400].forEach((wait, i) => {
      const gap = starts[i + 1]! - starts[i]!;
      expect(gap).toBeGreaterThanOrEqual(wait);
      expect(gap).toBeLessThan(wait + LATE_MS);
    });
    expect((await kyu.queue.deadJobs()).map((each) => each.id)).toEqual([id]);
  });

  it('can be cancelled while they wait', async () => {
    const kyu = await startKyu({
      handlers: {
        fail: () => {
          throw new Error('no');
        },
      },
    });
    const failed = kyu.nextEvent('job.settled');
    const id = await kyu.queue.enqueue('fail', null);
    await failed;
    await kyu.queue.cancelJob(id);
    expect((await kyu.queue.inspect(id)).status).toBe('cancelled');
  });
});

describe('timeouts', () => {
  it('abort the signal and fail the run', async () => {
    let reason: unknown;
    const kyu = await startKyu({
      handlers: {
        hang: (_: unknown, { signal }: { signal: AbortSignal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              reason = signal.reason;
              reject(new Error('gave up'));
            });
          }),
      },
    });
    const dead = kyu.nextEvent('job.settled');
    await kyu.queue.enqueue('hang', null, { timeout: 100, maxRetries: 0 });
    expect(await dead).toMatchObject({
      status: 'dead',
      error: expect.stringContaining('timeout of 100 ms'),
    });
    expect(reason).toMatchObject({ code: 'KYU_JOB_TIMEOUT', timeoutMs: 100 });
  });
});

describe('slots', () => {
  it('are never more than `workers`, and all of them are used', async () => {
    const gate = new Gate();
    let running = 0;
    let most = 0;
    const kyu = await startKyu({
      options: { workers: 3 },
      handlers: {
        work: async () => {
          most = Math.max(most, ++running);
          await gate.wait();
          running--;
        },
      },
    });
    await kyu.queue.enqueueMany(
      Array.from({ length: 20 }, () => ({ type: 'work', payload: null })),
    );
    await until('all slots to be taken', () => gate.arrivals === 3);
    gate.open();
    await until('all to complete', async () => {
      const done = await kyu.sql(`SELECT FROM jobs WHERE status = 'completed'`);
      return done.length === 20;
    });
    expect(most).toBe(3);
  });
});
