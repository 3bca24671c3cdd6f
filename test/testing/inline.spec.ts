import { AsyncLocalStorage } from 'node:async_hooks';
import { jest } from '@jest/globals';
import { JobHandler, type QueueService } from '@kyu/nestjs';
import { drain, expectEnqueued, nextEvent, perform } from '@kyu/testing';
import { bootEmail } from './boot.js';
import { Boom, Flaky, SendEmail } from './shop.js';

it('runs a job before its enqueue() resolves', async () => {
  const { queue, log } = await bootEmail({ mode: 'inline' });
  const claimed = nextEvent(queue.events, 'job.claimed');
  await queue.enqueue(SendEmail, { to: 'a@x.org' });
  expect(log).toEqual(['send a@x.org, attempt 1']);
  await claimed;
});

it('rejects with what the handler threw, and the job is as in production', async () => {
  const { queue } = await bootEmail({ mode: 'inline' });
  await expect(queue.enqueue(Flaky, { failures: 1 })).rejects.toBeInstanceOf(
    Boom,
  );
  const [job] = await expectEnqueued(queue, Flaky);
  expect(job).toMatchObject({ status: 'failed', retryCount: 1 });
  await drain(queue, { withScheduled: true });
  expect((await queue.inspect(job!.id)).result).toBe('after 2');
});

it('rejects with the first error of many', async () => {
  const { queue } = await bootEmail({ mode: 'inline' });
  await expect(
    queue.enqueueMany([
      { type: Flaky, payload: { failures: 0 } },
      { type: Flaky, payload: { failures: 1 } },
      { type: 'hopeless', payload: null },
    ]),
  ).rejects.toBeInstanceOf(Boom);
  await expectEnqueued(queue, 'hopeless', { count: 1 });
});

it('leaves handlers alone with the errors of jobs that they enqueue', async () => {
  const { queue } = await bootEmail({ mode: 'inline' });
  await expect(queue.enqueue('parent', null)).rejects.toThrow('no retry helps');
  const [parent] = await expectEnqueued(queue, 'parent');
  expect(parent).toMatchObject({ status: 'completed', result: 'went on' });
  await expect(perform(queue, 'parent', null)).rejects.toThrow(
    'no retry helps',
  );
});

it('keeps failures to itself if it is told to', async () => {
  const { queue } = await bootEmail({ mode: 'inline', throwFailures: false });
  const id = await queue.enqueue('hopeless', null);
  expect((await queue.inspect(id)).status).toBe('dead');
});

it('says so when Kyu stores an outcome that no handler threw', async () => {
  class Moves {
    @JobHandler('move', { transactional: true })
    move(): void {
      // it is not reached
    }
  }
  const { queue } = await bootEmail({ mode: 'inline' }, { providers: [Moves] });
  await expect(queue.enqueue('move', null)).rejects.toThrow(/manager/);
});

it('runs jobs side by side, each its own', async () => {
  const { queue, log } = await bootEmail({ mode: 'inline' });
  const to = Array.from({ length: 20 }, (_, i) => `${i}@x.org`);
  await Promise.all(to.map((one) => queue.enqueue(SendEmail, { to: one })));
  expect(log).toHaveLength(20);
});

it('waits for no timer, which may be one of the test', async () => {
  const { queue, log } = await bootEmail({ mode: 'inline' });
  jest.useFakeTimers({
    doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'],
  });
  try {
    const send = (to: string) =>
      queue.enqueueMany([{ type: SendEmail, payload: { to } }]);
    await Promise.all(Array.from({ length: 20 }, (_, i) => send(`${i}@x.org`)));
    await send('last@x.org');
    expect(log).toHaveLength(21);
  } finally {
    jest.useRealTimers();
  }
});

it('hands nothing of the caller to the handler but what travels', async () => {
  const tenant = new AsyncLocalStorage<string>();
  const boot = async (options: object): Promise<QueueService> => {
    const { queue } = await bootEmail({ mode: 'inline', options });
    queue.register('tenant', () => tenant.getStore() ?? 'nobody');
    return queue;
  };
  const resultOf = async (queue: QueueService): Promise<unknown> => {
    const id = await tenant.run('ada', () => queue.enqueue('tenant', null));
    expect(
      await tenant.run('ada', () => perform(queue, 'tenant', null)),
    ).toEqual((await queue.inspect(id)).result);
    return (await queue.inspect(id)).result;
  };
  expect(await resultOf(await boot({}))).toBe('nobody');
  const context = {
    capture: () => tenant.getStore(),
    run: (own: unknown, next: () => unknown) =>
      tenant.run(`${own as string} again`, next),
  };
  expect(await resultOf(await boot({ context }))).toBe('ada again');
});

it('aborts a running job that is cancelled, at once', async () => {
  const { queue } = await bootEmail({ mode: 'inline' });
  queue.register('waits', async (_: unknown, job) => {
    expect(await queue.cancelJob(job.id)).toBe('cancelling');
    if (!job.signal.aborted) throw new Error('not told');
  });
  const id = await queue.enqueue('waits', null);
  expect(await queue.inspect(id)).toMatchObject({ status: 'cancelled' });
});

it('runs a batch one after the other, the best first', async () => {
  const { queue } = await bootEmail({ mode: 'inline' });
  const ran: string[] = [];
  let running = 0;
  queue.register('note', async (payload: string) => {
    expect(++running).toBe(1);
    await Promise.resolve();
    ran.push(payload);
    running--;
  });
  await queue.enqueueMany([
    { type: 'note', payload: 'first' },
    { type: 'note', payload: 'second' },
    { type: 'note', payload: 'urgent', priority: 1 },
  ]);
  expect(ran).toEqual(['urgent', 'first', 'second']);
});

it('ends for a job that enqueues itself, and says so even where failures are kept', async () => {
  const { queue } = await bootEmail({ mode: 'inline', throwFailures: false });
  queue.register('again', async () => {
    await queue.enqueue('again', null);
  });
  await expect(queue.enqueue('again', null)).rejects.toThrow(
    /1000 jobs run inside each other.* does a job enqueue itself again/,
  );
  await expect(drain(queue)).rejects.toThrow(/inside each other/);
});

it('is not closed while a job runs', async () => {
  const { queue, module } = await bootEmail({ mode: 'inline' });
  const order: string[] = [];
  let begin!: () => void;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  queue.register('writes', async () => {
    begin();
    await new Promise((resolve) => setImmediate(resolve));
    await queue.enqueue('forgiven', null);
    order.push('written');
  });
  const enqueued = queue.enqueue('writes', null); // of a request that nobody waits for
  await begun;
  await module.close();
  order.push('closed');
  await enqueued;
  expect(order).toEqual(['written', 'closed']);
});
