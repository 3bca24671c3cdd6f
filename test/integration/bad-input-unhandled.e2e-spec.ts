import { until } from '@kyu/testing';
import { Scheduler } from '../../libs/kyu/src/maintenance/scheduler.js';
import { JobReader } from '../../libs/kyu/src/store/job-reader.js';
import { Gate } from '../support/gate.js';
import { isWaiting } from '../support/is-waiting.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

const ready = { other: () => 'done' };
const warnings = (kyu: TestKyu): string[] => kyu.logger.messages('warn');
const WARNING =
  'No handler for the job type "nobody" in this process. Its jobs wait for a worker that has one; ' +
  'add @JobHandler("nobody") or correct the type.';

/** Nothing was done to these jobs. */
async function expectUntouched(kyu: TestKyu, ids: string[]): Promise<void> {
  for (const id of ids)
    expect(await kyu.queue.inspect(id)).toMatchObject({
      status: 'pending',
      retryCount: 0,
      claimToken: 0,
      crashCount: 0,
      history: [],
      errorMessage: null,
      lockedBy: null,
    });
}

/** Jobs of another type that were enqueued later have run, one after the other. */
async function othersRun(kyu: TestKyu, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const settled = kyu.nextEvent('job.settled');
    await kyu.queue.enqueue('other', i);
    await settled;
  }
}

/** What the scheduler does every few seconds, once a worker has said that it handles the type: its jobs are found. */
async function look(kyu: TestKyu): Promise<void> {
  await until('a worker to say that it can', async () => {
    const workers = await kyu.sql(
      `SELECT 1 FROM workers WHERE 'nobody' = ANY(job_types)`,
    );
    return workers.length > 0;
  });
  await kyu.app.get(Scheduler).runOnce();
}

describe('a job type that nobody handles', () => {
  it('waits, consumes no attempt, and is said once', async () => {
    const kyu = await startKyu({ handlers: ready });
    const seen = new Set<string>();
    kyu.events.on('job.unhandled', ({ id }) => seen.add(id));
    const ids = await kyu.queue.enqueueMany(
      Array.from({ length: 20 }, () => ({
        type: 'nobody',
        payload: null,
        priority: 9,
      })),
    );
    await until('every job to have been looked at', () => seen.size === 20);
    await othersRun(kyu, 5); // the queue behind them is not held up
    await expectUntouched(kyu, ids);
    expect(warnings(kyu)).toEqual([WARNING]);
    expect(kyu.logger.messages('error')).toEqual([]);
  });

  it('is found even when it comes while others are still looked up', async () => {
    const kyu = await startKyu({ handlers: ready });
    const reader = kyu.app.get(JobReader);
    const gate = new Gate();
    const lookUp = reader.findUnhandled.bind(reader);
    reader.findUnhandled = async (...args) => {
      await gate.wait();
      return lookUp(...args);
    };
    const seen = new Set<string>();
    kyu.events.on('job.unhandled', ({ id }) => seen.add(id));
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) {
      ids.push(await kyu.queue.enqueue('nobody', i));
      await othersRun(kyu, 1); // so it has been popped and refused
    }
    expect(seen.size).toBe(0);
    gate.open();
    await until('all to have been found', () => seen.size === ids.length);
  });

  it('is said once for each type', async () => {
    const kyu = await startKyu({ handlers: ready });
    const seen = new Set<string>();
    kyu.events.on('job.unhandled', ({ jobType }) => seen.add(jobType));
    for (const type of ['nobody', 'no one', 'nobody', 'no one'])
      await kyu.queue.enqueue(type, null);
    await until('both to have been looked at', () => seen.size === 2);
    await othersRun(kyu, 1);
    expect(warnings(kyu).toSorted()).toEqual([
      WARNING.replaceAll('nobody', 'no one'),
      WARNING,
    ]);
  });

  it('runs as soon as a handler is registered', async () => {
    const kyu = await startKyu({ handlers: ready });
    const unhandled = kyu.nextEvent('job.unhandled');
    const id = await kyu.queue.enqueue('nobody', 'patience');
    await unhandled;
    const settled = kyu.nextEvent('job.settled');
    kyu.queue.register('nobody', (payload) => payload);
    await look(kyu);
    expect(await settled).toMatchObject({ id, status: 'completed' });
    expect(await kyu.queue.inspect(id)).toMatchObject({
      result: 'patience',
      retryCount: 0,
      claimToken: 1,
    });
  });

  it('runs in another process that has a handler', async () => {
    const kyu = await startKyu({ handlers: ready });
    const unhandled = kyu.nextEvent('job.unhandled');
    const id = await kyu.queue.enqueue('nobody', null);
    await unhandled;
    const other = await startKyu({
      beside: kyu,
      handlers: { nobody: () => 'done' },
    });
    await look(other);
    await until(
      'the other worker to run it',
      async () => (await kyu.queue.inspect(id)).status === 'completed',
    );
    expect(warnings(other)).toEqual([]);
  });

  it('can be cancelled', async () => {
    const kyu = await startKyu({ handlers: ready });
    const unhandled = kyu.nextEvent('job.unhandled');
    const id = await kyu.queue.enqueue('nobody', null);
    await unhandled;
    await kyu.queue.cancelJob(id);
    expect((await kyu.queue.inspect(id)).status).toBe('cancelled');
  });

  it('waits in a worker without any handler, which takes nothing from the others', async () => {
    const kyu = await startKyu();
    const id = await kyu.queue.enqueue('nobody', null);
    const other = await startKyu({
      beside: kyu,
      handlers: { nobody: () => 'done' },
    });
    await until(
      'the worker with the handler to run it',
      async () => (await other.queue.inspect(id)).status === 'completed',
    );
  });

  it('is left alone by runOnce()', async () => {
    const kyu = await startKyu({
      handlers: ready,
      options: { mode: 'producer' },
    });
    const id = await kyu.queue.enqueue('nobody', null);
    await kyu.queue.enqueue('other', null);
    expect(await kyu.queue.runOnce()).toMatchObject({
      claimed: 1,
      completed: 1,
    });
    await expectUntouched(kyu, [id]);
  });

  it('waits without Redis, too', async () => {
    const kyu = await startKyu({ handlers: ready, options: { redis: false } });
    const id = await kyu.queue.enqueue('nobody', null, { priority: 9 });
    await othersRun(kyu, 2);
    await expectUntouched(kyu, [id]);
    const settled = kyu.nextEvent('job.settled');
    kyu.queue.register('nobody', () => 'done');
    expect(await settled).toMatchObject({ id, status: 'completed' });
  });

  it('is said without Redis, too, also by a worker that has just looked', async () => {
    const kyu = await startKyu({ handlers: ready, options: { redis: false } });
    await until('the worker to have found nothing', () => isWaiting(kyu));
    const unhandled = kyu.nextEvent('job.unhandled');
    const id = await kyu.queue.enqueue('nobody', null);
    expect(await unhandled).toEqual({ id, jobType: 'nobody' });
    await othersRun(kyu, 2);
    expect(warnings(kyu)).toEqual([WARNING]);
    expect(kyu.logger.messages('error')).toEqual([]);
  });

  it('is said by runOnce(), once', async () => {
    const kyu = await startKyu({
      handlers: ready,
      options: { mode: 'producer' },
    });
    await kyu.queue.enqueue('nobody', null);
    await kyu.queue.runOnce();
    await kyu.queue.runOnce();
    expect(warnings(kyu)).toEqual([WARNING]);
  });
});
