import { jest } from '@jest/globals';
import { Inject, Injectable, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import {
  currentJob,
  JobHandler,
  KyuHealth,
  PostgresUnavailableError,
  QueueService,
  type JobRequest,
} from '@kyu/nestjs';
import { Test } from '@nestjs/testing';
import {
  drain,
  expectEnqueued,
  faults,
  KyuTestingModule,
  perform,
} from '@kyu/testing';
import { bootEmail } from './boot.js';
import { Boom, EmailModule, Flaky, SendEmail } from './shop.js';

it('keeps jobs until they are drained', async () => {
  const { queue, log } = await bootEmail({ mode: 'manual' });
  const id = await queue.enqueue(SendEmail, { to: 'a@x.org' });
  expect((await queue.inspect(id)).status).toBe('pending');
  expect(log).toEqual([]);
  expect(await drain(queue)).toEqual({
    claimed: 1,
    completed: 1,
    failed: 0,
    dead: 0,
  });
  expect(log).toEqual(['send a@x.org, attempt 1']);
  expect(await drain(queue)).toMatchObject({ claimed: 0 });
});

it('runs the best first, one at a time', async () => {
  const { queue } = await bootEmail({ mode: 'manual' });
  const ran: unknown[] = [];
  let running = 0;
  queue.register('note', async (payload: string) => {
    expect(++running).toBe(1);
    await Promise.resolve();
    ran.push(payload);
    running--;
  });
  await queue.enqueue('note', 'first');
  await queue.enqueue('note', 'second');
  await queue.enqueue('note', 'urgent', { priority: 1 });
  await drain(queue);
  expect(ran).toEqual(['urgent', 'first', 'second']);
});

it('waits with a retry until the clock is moved', async () => {
  const { queue } = await bootEmail({ mode: 'manual' });
  const id = await queue.enqueue(Flaky, { failures: 9 });
  expect(await drain(queue)).toMatchObject({ claimed: 1, failed: 1 });
  expect(await drain(queue)).toMatchObject({ claimed: 0 });
  expect(await drain(queue, { withScheduled: true })).toEqual({
    claimed: 3,
    completed: 0,
    failed: 2,
    dead: 1,
  });
  // By the backoff of the module: 1, 2 and 4 seconds.
  const { history } = await queue.inspect(id);
  const times = history.map(({ startedAt }) => Date.parse(startedAt));
  expect(times.at(-1)! - times[0]!).toBeGreaterThanOrEqual(7_000);
  expect(times.at(-1)! - times[0]!).toBeLessThan(9_000);
});

it('moves the clock to each job in the order of their times', async () => {
  const { queue } = await bootEmail({ mode: 'manual' });
  const ran: string[] = [];
  queue.register('note', (payload: string) => void ran.push(payload));
  const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000);
  await queue.enqueue('note', 'later', { scheduledAt: inHours(2) });
  await queue.enqueue('note', 'sooner', { scheduledAt: inHours(1) });
  await drain(queue, { withScheduled: inHours(1.5) });
  expect(ran).toEqual(['sooner']);
  const id = await queue.enqueue('note', 'in time', {
    scheduledAt: inHours(1),
  });
  expect((await queue.inspect(id)).status).toBe('pending'); // the clock stays
  await drain(queue, { withScheduled: true });
  expect(ran).toEqual(['sooner', 'in time', 'later']);
});

it('rejects with the first error if it is asked to', async () => {
  const { queue } = await bootEmail({ mode: 'manual' });
  await queue.enqueue(Flaky, { failures: 1 });
  await queue.enqueue('forgiven', null);
  await expect(drain(queue, { throwFailures: true })).rejects.toBeInstanceOf(
    Boom,
  );
  const [after] = await expectEnqueued(queue, 'forgiven');
  expect(after!.status).toBe('completed');
});

it('ends for a job that enqueues itself', async () => {
  const { queue } = await bootEmail({ mode: 'manual' });
  queue.register('again', async () => {
    await queue.enqueue('again', null);
  });
  await queue.enqueue('again', null);
  await expect(drain(queue)).rejects.toThrow(/does a job enqueue itself again/);
});

it('says that the application has to boot first', async () => {
  const module = await Test.createTestingModule({
    imports: [KyuTestingModule.forRoot({ mode: 'manual' }), EmailModule],
  }).compile();
  const queue = module.get(QueueService);
  await queue.enqueue('forgiven', null);
  await expect(drain(queue)).rejects.toThrow(/await module.init\(\)/);
  await expect(perform(queue, 'forgiven', null)).rejects.toThrow(/init/);
  await module.init();
  expect(await drain(queue)).toMatchObject({ completed: 1 });
  await module.close();
  await expect(drain(queue)).rejects.toThrow(/closed/);
});

it('knows the job under way, and makes a handler for each if it has the scope', async () => {
  @Injectable({ scope: Scope.REQUEST })
  class Scoped {
    constructor(@Inject(REQUEST) private readonly request: JobRequest) {}

    @JobHandler('scoped')
    run(): unknown {
      return [this.request.payload, currentJob()?.type];
    }
  }
  const { queue } = await bootEmail(
    { mode: 'manual', options: { currentJob: true } },
    { providers: [Scoped] },
  );
  const id = await queue.enqueue('scoped', 'hi');
  await drain(queue);
  expect((await queue.inspect(id)).result).toEqual(['hi', 'scoped']);
  expect(await perform(queue, 'scoped', 'hi')).toEqual(['hi', 'scoped']);
});

it('works by runOnce(), too', async () => {
  const { queue } = await bootEmail({ mode: 'manual' });
  await queue.enqueue('chain', { left: 2 });
  expect(await queue.runOnce()).toMatchObject({ claimed: 3, completed: 3 });
});

it('is well, and without PostgreSQL if the test says so', async () => {
  const { queue, module } = await bootEmail({ mode: 'manual' });
  const health = module.get(KyuHealth);
  expect((await health.check()).status).toBe('up');
  faults(queue).postgresDown();
  await expect(
    queue.enqueue(SendEmail, { to: 'a@x.org' }),
  ).rejects.toBeInstanceOf(PostgresUnavailableError);
  expect((await health.check()).status).toBe('down');
  faults(queue).postgresUp();
  await expectEnqueued(queue, SendEmail, { count: 0 });
  expect(() => faults(queue).redisDown()).toThrow(/mode: 'real'/);
});

it('follows the clock of fake timers', async () => {
  jest.useFakeTimers({
    doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'],
  });
  try {
    const { queue } = await bootEmail({ mode: 'manual' });
    const scheduledAt = new Date(Date.now() + 60_000);
    await queue.enqueue('forgiven', null, { scheduledAt });
    expect(await drain(queue)).toMatchObject({ claimed: 0 });
    jest.setSystemTime(scheduledAt);
    expect(await drain(queue)).toMatchObject({ completed: 1 });
  } finally {
    jest.useRealTimers();
  }
});
