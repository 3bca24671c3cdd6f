import { AsyncLocalStorage } from 'node:async_hooks';
import { until } from '@kyu/testing';
import { FaultProxy } from '../support/fault-proxy.js';
import { Gate } from '../support/gate.js';
import { isWaiting } from '../support/is-waiting.js';
import { REDIS_URL } from '../support/servers.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

/** A process with nothing to do claims what it enqueues by the statement that stores it. */

const statusesOf = (kyu: TestKyu): string[] => {
  const statuses: string[] = [];
  kyu.events.on('job.enqueued', ({ status }) => statuses.push(status));
  return statuses;
};

it('begins a job of its own without Redis, after its caller has the id', async () => {
  const order: string[] = [];
  const kyu = await startKyu({
    handlers: { work: () => void order.push('handler') },
  });
  const statuses = statusesOf(kyu);
  const settled = kyu.nextEvent('job.settled');
  const id = await kyu.queue.enqueue('work', { n: 1 });
  order.push('caller');
  expect(await settled).toMatchObject({ id, status: 'completed' });
  expect(order).toEqual(['caller', 'handler']);
  expect(statuses).toEqual(['running']);
  const job = await kyu.queue.inspect(id);
  expect(job).toMatchObject({ status: 'completed', payload: { n: 1 } });
  expect(job.history).toHaveLength(1);
});

it('leaves to others what it cannot run, what is not due, and what comes while it works', async () => {
  const gate = new Gate();
  const kyu = await startKyu({
    options: { workers: 5 },
    handlers: { work: () => gate.wait() },
  });
  const statuses = statusesOf(kyu);
  await kyu.queue.enqueue('work', null, {
    scheduledAt: new Date(Date.now() + 60_000),
  });
  await kyu.queue.enqueue('work', null);
  await until('it to run', () => gate.arrivals === 1);
  await kyu.queue.enqueue('work', null);
  gate.open();
  expect(statuses).toEqual(['scheduled', 'running', 'pending']);
  const idle = await startKyu({ handlers: { work: () => 0 } });
  const others = statusesOf(idle);
  await idle.queue.enqueue('nobody', null);
  expect(others).toEqual(['pending']);
});

it('with its only slot taken by a job of its own, keeps nothing else from a worker that is free', async () => {
  const gate = new Gate();
  const kyu = await startKyu({
    options: { workers: 1 },
    handlers: { hold: () => gate.wait(), work: () => 'here' },
  });
  await until('it to wait', () => isWaiting(kyu));
  const statuses = statusesOf(kyu);
  await kyu.queue.enqueue('hold', null);
  expect(statuses).toEqual(['running']);
  await until('the slot to be taken', () => gate.arrivals === 1);
  await kyu.queue.enqueueMany(
    Array.from({ length: 5 }, () => ({ type: 'work', payload: null })),
  );
  let ran = 0;
  await startKyu({ beside: kyu, handlers: { work: () => void ran++ } });
  await until('the other to run all', () => ran === 5);
  const here = await kyu.sql(
    `SELECT FROM jobs WHERE job_type = 'work' AND history <> '[]'`,
  );
  expect(here).toEqual([]); // nobody had to give one back
  gate.open();
});

it('with its only slot taken meanwhile, does not run what it had popped before what is better', async () => {
  const proxy = await FaultProxy.open(REDIS_URL);
  try {
    const gate = new Gate();
    const order: number[] = [];
    const kyu = await startKyu({
      options: { workers: 1, redis: { url: proxy.url } },
      handlers: { hold: () => gate.wait(), work: (n: number) => order.push(n) },
    });
    const other = await startKyu({
      beside: kyu,
      options: { mode: 'producer' },
    });
    await until('it to wait', () => isWaiting(kyu));
    await kyu.queue.enqueue('hold', null);
    await until('the slot to be taken', () => gate.arrivals);
    const held = kyu.nextEvent('job.settled');
    proxy.set('late'); // the pop has the first of these, and nobody hears it until the slot is free
    for (const priority of [0, -5, 10, 3])
      await other.queue.enqueue('work', priority, { priority });
    gate.open();
    await held;
    proxy.set('none');
    await until('all to run', () => order.length === 4);
    expect(order).toEqual([10, 3, 0, -5]);
    await kyu.close();
  } finally {
    await proxy.close();
  }
});

it('without Redis, does not go on with jobs of its own while older ones wait', async () => {
  const gate = new Gate();
  const order: number[] = [];
  const kyu = await startKyu({
    options: { workers: 1, redis: false },
    handlers: { hold: () => gate.wait(), work: (n: number) => order.push(n) },
  });
  await until('it to wait', () => isWaiting(kyu));
  await kyu.queue.enqueue('hold', null);
  const other = await startKyu({ beside: kyu, options: { mode: 'producer' } });
  await other.queue.enqueue('work', 1);
  // It looks once a second, and has no room for what it might see.
  await until('its look to end', () => !isWaiting(kyu));
  const held = kyu.nextEvent('job.settled');
  gate.open();
  await held;
  await kyu.queue.enqueue('work', 2);
  await until('both to run', () => order.length === 2);
  expect(order).toEqual([1, 2]);
});

it('does not overtake what was enqueued here before it', async () => {
  const ran: unknown[] = [];
  const kyu = await startKyu({
    options: { workers: 1 },
    handlers: { work: (n: number) => void ran.push(n) },
  });
  await kyu.queue.enqueueMany([
    { type: 'work', payload: 1 },
    { type: 'work', payload: 2 },
  ]);
  await kyu.queue.enqueue('work', 3);
  await until('all to run', () => ran.length === 3);
  expect(ran).toEqual([1, 2, 3]);
});

it('runs handlers in the async context of nobody, whatever call enqueued the job', async () => {
  const caller = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const kyu = await startKyu({
    handlers: { work: () => void seen.push(caller.getStore()) },
  });
  await caller.run('one', () => kyu.queue.enqueue('work', null));
  await until('it to run', () => seen.length === 1);
  await until('it to be settled', async () => {
    const rows = await kyu.sql(`SELECT FROM jobs WHERE status = 'completed'`);
    return rows.length;
  });
  await caller.run('many', () =>
    kyu.queue.enqueueMany([{ type: 'work', payload: null }]),
  );
  await until('both to run', () => seen.length === 2);
  expect(seen).toEqual([undefined, undefined]);
});
