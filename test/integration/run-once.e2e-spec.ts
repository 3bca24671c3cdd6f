import { KyuBusyError, type JobContext } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { Gate } from '../support/gate.js';
import { startKyu, type StartOptions } from '../support/start-kyu.js';

const producer = (more: StartOptions = {}) =>
  startKyu({ ...more, options: { mode: 'producer', ...more.options } });

describe('runOnce()', () => {
  it('runs what is due and returns the counts', async () => {
    const kyu = await producer({
      handlers: {
        fine: () => 'done',
        fails: () => {
          throw new Error('boom');
        },
      },
    });
    for (let n = 0; n < 12; n++) await kyu.queue.enqueue('fine', n);
    await kyu.queue.enqueue('fails', 1);
    await kyu.queue.enqueue('fails', 2, { maxRetries: 0 });
    expect(await kyu.queue.runOnce()).toEqual({
      claimed: 14,
      completed: 12,
      failed: 1,
      dead: 1,
    });
    const rows = await kyu.sql(
      'SELECT status, count(*)::int FROM jobs GROUP BY status ORDER BY status',
    );
    expect(rows).toEqual([
      { status: 'completed', count: 12 },
      { status: 'dead', count: 1 },
      { status: 'failed', count: 1 },
    ]);
    expect(await kyu.sql('SELECT FROM workers')).toEqual([]);
  });

  it('runs nothing when nothing is due, without handlers too', async () => {
    const nothing = { claimed: 0, completed: 0, failed: 0, dead: 0 };
    const kyu = await producer();
    expect(await kyu.queue.runOnce()).toEqual(nothing);
    const id = await kyu.queue.enqueue('unknown', null);
    expect(await kyu.queue.runOnce()).toEqual(nothing);
    expect((await kyu.queue.inspect(id)).status).toBe('pending');
  });

  it('does not wait for what is due later, but runs what is overdue', async () => {
    const ran: string[] = [];
    const kyu = await producer({
      handlers: { job: (payload: string) => void ran.push(payload) },
    });
    const future = new Date(Date.now() + 3_600_000);
    await kyu.queue.enqueue('job', 'future', { scheduledAt: future });
    const id = await kyu.queue.enqueue('job', 'soon', { scheduledAt: future });
    // Its time passed while no process was there.
    await kyu.sql(
      `UPDATE jobs SET scheduled_at = now() - interval '1 hour' WHERE id = $1`,
      [id],
    );
    await kyu.queue.enqueue('job', 'past', { scheduledAt: new Date(0) });
    expect(await kyu.queue.runOnce()).toMatchObject({
      claimed: 2,
      completed: 2,
    });
    expect(ran.toSorted()).toEqual(['past', 'soon']);
  });

  it('runs what handlers enqueue, generation after generation', async () => {
    const kyu = await producer({
      handlers: {
        count: async (n: number) => {
          if (n > 0) {
            await kyu.queue.enqueue('count', n - 1);
            await kyu.queue.enqueue('leaf', n);
          }
        },
        leaf: () => undefined,
      },
    });
    await kyu.queue.enqueue('count', 5);
    expect(await kyu.queue.runOnce()).toMatchObject({
      claimed: 11,
      completed: 11,
    });
  });

  it('runs retries that come due while it runs, and leaves the others', async () => {
    let tries = 0;
    const kyu = await producer({
      options: { backoff: { base: '1ms' }, workers: 2 },
      handlers: {
        flaky: () => {
          if (++tries === 1) throw new Error('once');
        },
        slow: () =>
          until('the retry', async () => {
            const [row] = await kyu.sql(
              `SELECT FROM jobs WHERE status = 'failed' AND scheduled_at < now()`,
            );
            return row ?? tries > 1;
          }),
      },
    });
    await kyu.queue.enqueue('flaky', null);
    await kyu.queue.enqueue('slow', null);
    const counts = await kyu.queue.runOnce();
    expect(counts).toEqual({ claimed: 3, completed: 2, failed: 1, dead: 0 });
  });

  it('honours the timeout of each job', async () => {
    let aborted: unknown;
    const kyu = await producer({
      handlers: {
        hangs: (_payload: unknown, { signal }: JobContext) =>
          new Promise((resolve) =>
            signal.addEventListener('abort', () => {
              aborted = signal.reason;
              resolve('too late');
            }),
          ),
      },
    });
    const id = await kyu.queue.enqueue('hangs', null, { timeout: 60 });
    expect(await kyu.queue.runOnce()).toMatchObject({ claimed: 1, failed: 1 });
    expect(aborted).toMatchObject({ code: 'KYU_JOB_TIMEOUT' });
    expect((await kyu.queue.inspect(id)).errorMessage).toContain('60 ms');
  });

  it('runs at most `workers` jobs at once, in the order of their priority', async () => {
    const order: number[] = [];
    let now = 0;
    let most = 0;
    const kyu = await producer({
      options: { workers: 3 },
      handlers: {
        job: async (priority: number) => {
          order.push(priority);
          most = Math.max(most, ++now);
          await new Promise(setImmediate);
          now--;
        },
      },
    });
    const priorities = [1, 9, 5, 3, 7, 2, 8, 4, 6, 0];
    await kyu.queue.enqueueMany(
      priorities.map((priority) => ({
        type: 'job',
        payload: priority,
        priority,
      })),
    );
    await kyu.queue.runOnce();
    expect(most).toBe(3);
    expect(order).toHaveLength(10);
    expect(new Set(order.slice(0, 3))).toEqual(new Set([9, 8, 7]));
    expect(order.at(-1)).toBeLessThan(3);
  });

  it('is in the registry while it runs, so that nobody takes its jobs', async () => {
    const gate = new Gate();
    const kyu = await producer({ handlers: { job: () => gate.wait() } });
    await kyu.queue.enqueue('job', null);
    const done = kyu.queue.runOnce();
    await until('the handler to run', () => gate.arrivals === 1);
    const [worker] = await kyu.sql('SELECT id, job_types FROM workers');
    const [job] = await kyu.sql('SELECT locked_by FROM jobs');
    expect(worker).toEqual({ id: job!.locked_by, job_types: ['job'] });
    gate.open();
    await done;
    expect(await kyu.sql('SELECT FROM workers')).toEqual([]);
  });

  it.each([{ redis: false }, {}] as const)(
    'works beside workers, which share the jobs (%j)',
    async (options) => {
      const seen: string[] = [];
      const handlers = {
        job: (_payload: unknown, { id }: JobContext) => void seen.push(id),
      };
      const kyu = await producer({ handlers, options });
      const ids = await kyu.queue.enqueueMany(
        Array.from({ length: 100 }, () => ({ type: 'job', payload: null })),
      );
      await startKyu({ beside: kyu, handlers, options });
      await kyu.queue.runOnce();
      await until('all to complete', async () => {
        const done = await kyu.sql(
          `SELECT FROM jobs WHERE status = 'completed'`,
        );
        return done.length === ids.length;
      });
      expect(seen.toSorted()).toEqual(ids.toSorted()); // each once
    },
  );
});

describe('runOnce() is refused', () => {
  it('while this module works by itself', async () => {
    const { queue } = await startKyu();
    await expect(queue.runOnce()).rejects.toThrow(KyuBusyError);
    await expect(queue.runOnce()).rejects.toThrow(/mode: 'producer'/);
  });

  it('while another one is under way; afterwards it may run again, whatever happened', async () => {
    const gate = new Gate();
    const kyu = await producer({ handlers: { job: () => gate.wait() } });
    await kyu.queue.enqueue('job', null);
    const first = kyu.queue.runOnce();
    await until('the handler to run', () => gate.arrivals === 1);
    await expect(kyu.queue.runOnce()).rejects.toThrow(/is running already/);
    gate.open();
    expect((await first).completed).toBe(1);
    expect((await kyu.queue.runOnce()).claimed).toBe(0);
  });
});

describe('a stop during runOnce()', () => {
  it('lets the running handlers finish and claims no more', async () => {
    const gate = new Gate();
    const kyu = await producer({
      handlers: {
        job: async () => {
          await gate.wait();
          return 'finished';
        },
      },
      options: { workers: 1 },
    });
    const [first, second] = await kyu.queue.enqueueMany([
      { type: 'job', payload: 1 },
      { type: 'job', payload: 2 },
    ]);
    const counts = kyu.queue.runOnce().catch((error: unknown) => error);
    await until('the handler to run', () => gate.arrivals === 1);
    const closed = kyu.close();
    gate.open();
    await closed;
    const rows = await kyu.sql('SELECT id, status FROM jobs ORDER BY id');
    expect(rows).toEqual([
      { id: first, status: 'completed' },
      { id: second, status: 'pending' },
    ]);
    expect(await counts).toMatchObject({ claimed: 1, completed: 1 });
    expect(await kyu.sql('SELECT FROM workers')).toEqual([]);
  });

  it('gives back what overruns drainTimeout', async () => {
    const gate = new Gate();
    const kyu = await producer({
      handlers: { job: () => gate.wait() },
      options: { drainTimeout: 50 },
    });
    const id = await kyu.queue.enqueue('job', null);
    kyu.queue.runOnce().catch(() => undefined);
    await until('the handler to run', () => gate.arrivals === 1);
    await kyu.close();
    gate.open();
    const [job] = await kyu.sql('SELECT * FROM jobs WHERE id = $1', [id]);
    expect(job).toMatchObject({ status: 'pending', retry_count: 0 });
    expect(await kyu.sql('SELECT FROM workers')).toEqual([]);
  });
});
