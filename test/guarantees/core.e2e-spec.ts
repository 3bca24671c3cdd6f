import { until } from '@kyu/testing';
import type { JobContext } from '@kyu/nestjs';
import { Gate } from '../support/gate.js';
import { runJob } from '../support/run-job.js';
import { REDIS_URL } from '../support/servers.js';
import { startKyu } from '../support/start-kyu.js';

/** What a queue does for its users, and it does the same with Redis and without. */

describe.each([
  ['Redis', { url: REDIS_URL }],
  ['redis: false', false],
] as const)('with %s', (_, redis) => {
  it('a job runs once, with its payload, and keeps its result', async () => {
    const seen: unknown[] = [];
    const kyu = await startKyu({
      options: { redis },
      handlers: {
        work: (payload: unknown) => {
          seen.push(payload);
          return { ok: true };
        },
      },
    });
    const payload = { a: [1, 'two', null] };
    const job = await runJob(kyu.app, 'work', payload);
    expect(job).toMatchObject({ status: 'completed', result: { ok: true } });
    expect(seen).toEqual([payload]);
  });

  it('the highest priority runs first, whatever was enqueued first', async () => {
    const gate = new Gate();
    const order: number[] = [];
    const kyu = await startKyu({
      options: { redis, workers: 1 },
      handlers: { hold: () => gate.wait(), work: (n: number) => order.push(n) },
    });
    await kyu.queue.enqueue('hold', null);
    await until('the slot to be taken', () => gate.arrivals);
    for (const priority of [0, -5, 10, 3])
      await kyu.queue.enqueue('work', priority, { priority });
    gate.open();
    await until('all to run', () => order.length === 4);
    expect(order).toEqual([10, 3, 0, -5]);
  });

  it('a failed job is retried, and dead when its retries are used up', async () => {
    const kyu = await startKyu({
      options: { redis, backoff: { base: 20 } },
      handlers: {
        twice: (__: unknown, { attempt }: JobContext) => {
          if (attempt < 3) throw new Error(`try ${attempt}`);
        },
      },
    });
    const ends = new Map<string, string>();
    kyu.events.on('job.settled', ({ id, status }) => ends.set(id, status));
    const enough = await kyu.queue.enqueue('twice', null, { maxRetries: 2 });
    const tooFew = await kyu.queue.enqueue('twice', null, { maxRetries: 1 });
    await until(
      'both to end',
      () => ends.get(enough) === 'completed' && ends.get(tooFew) === 'dead',
    );
    expect(await kyu.queue.inspect(tooFew)).toMatchObject({
      errorMessage: 'try 2',
      retryCount: 1,
    });
    expect((await kyu.queue.deadJobs()).map(({ id }) => id)).toEqual([tooFew]);
  });

  it('a scheduled job runs when it is due', async () => {
    const kyu = await startKyu({
      options: { redis },
      handlers: { work: () => undefined },
    });
    const scheduledAt = new Date(Date.now() + 400);
    const settled = kyu.nextEvent('job.settled');
    const id = await kyu.queue.enqueue('work', null, { scheduledAt });
    expect((await kyu.queue.inspect(id)).status).toBe('scheduled');
    await settled;
    const { history } = await kyu.queue.inspect(id);
    const late = Date.parse(history[0]!.startedAt) - scheduledAt.getTime();
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(1_500);
  });

  it('cancel: a waiting job never runs, a running one gets its signal and ends cancelled', async () => {
    let ran = 0;
    let running = false;
    const kyu = await startKyu({
      options: { redis },
      handlers: {
        work: () => ran++,
        patient: (__: unknown, { signal }: JobContext) =>
          new Promise((resolve) => {
            signal.addEventListener('abort', resolve);
            running = true;
          }),
      },
    });
    const scheduledAt = new Date(Date.now() + 300);
    const waiting = await kyu.queue.enqueue('work', 1, { scheduledAt });
    expect(await kyu.queue.cancelJob(waiting)).toBe('cancelled');
    const id = await kyu.queue.enqueue('patient', null);
    await until('it to run', () => running);
    const settled = kyu.nextEvent('job.settled', (event) => event.id === id);
    expect(await kyu.queue.cancelJob(id)).toBe('cancelling');
    expect(await settled).toMatchObject({ status: 'cancelled' });
    await until('its time to pass', () => Date.now() > +scheduledAt);
    await runJob(kyu.app, 'work');
    expect(ran).toBe(1);
    expect((await kyu.queue.inspect(waiting)).status).toBe('cancelled');
  });

  it('runOnce() runs what is due and what that enqueues, then returns', async () => {
    const kyu = await startKyu({
      options: { redis, mode: 'producer', workers: 2 },
      handlers: {
        work: (n: number) => n > 0 && kyu.queue.enqueue('work', n - 1),
      },
    });
    await kyu.queue.enqueue('work', 3);
    await kyu.queue.enqueue('work', 0, {
      scheduledAt: new Date(Date.now() + 3_600_000),
    });
    expect(await kyu.queue.runOnce()).toEqual({
      claimed: 4,
      completed: 4,
      failed: 0,
      dead: 0,
    });
  });

  it('a stop lets what runs finish, and leaves what waits to others', async () => {
    const gate = new Gate();
    const kyu = await startKyu({
      options: { redis, workers: 1 },
      handlers: { hold: () => gate.wait(), work: () => undefined },
    });
    const running = await kyu.queue.enqueue('hold', null);
    await until('it to run', () => gate.arrivals);
    const waiting = await kyu.queue.enqueue('work', null);
    const closed = kyu.close();
    await until('the stop to wait', () =>
      kyu.logger.messages('log').some((line) => line.includes('waiting for 1')),
    );
    gate.open();
    await closed;
    const next = await startKyu({ beside: kyu, options: { redis } });
    expect((await next.queue.inspect(running)).status).toBe('completed');
    expect(await next.queue.inspect(waiting)).toMatchObject({
      status: 'pending',
      retryCount: 0,
    });
    const settled = next.nextEvent('job.settled');
    next.queue.register('work', () => undefined);
    expect(await settled).toMatchObject({ id: waiting, status: 'completed' });
  });
});
