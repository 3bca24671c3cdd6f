import { until } from '@kyu/testing';
import type { JobContext } from '@kyu/nestjs';
import { WorkerIdentity } from '../../libs/kyu/src/runtime/worker-identity.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { Gate } from '../support/gate.js';
import { POSTGRES_URL } from '../support/servers.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

/** I6: a worker that others may take for lost stops by itself, before they do. */

const TIMING = { heartbeatInterval: 500, heartbeatTimeout: 2_000 };

let proxy: FaultProxy;
beforeEach(async () => {
  proxy = await FaultProxy.open(POSTGRES_URL);
});
afterEach(() => proxy.close()); // runs before the applications close

/** A worker whose way to Postgres can be cut, and whose handler notes when its signal aborts. */
async function startCuttable(): Promise<{
  kyu: TestKyu;
  gate: Gate;
  aborts: { at: number; reason: unknown }[];
}> {
  const gate = new Gate();
  const aborts: { at: number; reason: unknown }[] = [];
  const kyu = await startKyu({
    options: { ...TIMING, postgres: { url: proxy.url }, drainTimeout: '5s' },
    handlers: {
      work: async (_: unknown, { signal }: JobContext) => {
        signal.addEventListener('abort', () =>
          aborts.push({ at: performance.now(), reason: signal.reason }),
        );
        await gate.wait();
      },
    },
  });
  return { kyu, gate, aborts };
}

it('I6 self-fencing: the signal aborts before another worker starts the job, and the late settle is refused', async () => {
  const { kyu, gate, aborts } = await startCuttable();
  const starts: number[] = [];
  const other = await startKyu({
    beside: kyu,
    options: TIMING,
  });
  const id = await kyu.queue.enqueue('work', null);
  await until('the handler to run', () => gate.arrivals);
  other.queue.register('work', () => starts.push(performance.now()));
  const fenced = kyu.nextEvent('worker.fenced');
  const lost = kyu.nextEvent('lease.lost');
  proxy.set('cut');
  expect(await fenced).toEqual({ runs: 1 });
  await until('the other worker to run it', () => starts.length > 0);
  expect(aborts).toHaveLength(1);
  expect(aborts[0]!.reason).toMatchObject({ code: 'KYU_LEASE_EXPIRED' });
  expect(aborts[0]!.at).toBeLessThan(starts[0]!);

  gate.open(); // it ignores its signal and completes all the same
  proxy.set('none');
  expect(await lost).toMatchObject({ id, token: 1 });
  const job = await other.queue.inspect(id);
  expect(job).toMatchObject({ status: 'completed', crashCount: 1 });
  expect(job.history.filter(({ token }) => token === 1)).toEqual([
    expect.objectContaining({ outcome: 'crashed' }),
  ]);

  // After the mend it works again.
  await other.close();
  await kyu.queue.enqueue('work', null);
  await kyu.nextEvent('job.settled', (event) => event.id !== id);
});

it('I6 a fenced worker claims nothing, not even by a pop that was waiting when the lease ended', async () => {
  const kyu = await startKyu({
    options: TIMING,
    handlers: { work: () => undefined },
  });
  const { id: worker } = kyu.app.get(WorkerIdentity);
  let fences = 0;
  let job: Promise<string> | undefined;
  kyu.events.on('worker.fenced', () => {
    // The loop waits for an id at this moment.
    if (fences++ === 0) job = kyu.queue.enqueue('work', null);
  });
  // Its heartbeat cannot be stored, while its own pool works.
  await kyu.sql('BEGIN');
  await kyu.sql('SELECT FROM workers WHERE id = $1 FOR UPDATE', [worker]);
  await until('the worker to be fenced', () => job);
  const id = await job!;
  // Longer than any wait of the loop; other workers have long been free to take its jobs.
  const end = performance.now() + 3_000;
  await until('a claim', async () => {
    const { claimToken } = await kyu.queue.inspect(id);
    return claimToken > 0 || performance.now() > end;
  });
  const { claimToken } = await kyu.queue.inspect(id);
  await kyu.sql('ROLLBACK');
  expect(claimToken).toBe(0);
});

it('I6 a worker that drains fences itself, too', async () => {
  const { kyu, gate, aborts } = await startCuttable();
  await kyu.queue.enqueue('work', null);
  await until('the handler to run', () => gate.arrivals);
  const closed = kyu.close();
  await until('the stop to wait', () =>
    kyu.logger.messages('log').some((line) => line.includes('waiting for 1')),
  );
  proxy.set('cut');
  try {
    // Others may take the job after heartbeatTimeout.
    await until('the signal to abort', () => aborts.length > 0, 2_000);
  } finally {
    proxy.set('none');
    gate.open();
    await closed;
  }
  expect(aborts[0]!.reason).toMatchObject({ code: 'KYU_LEASE_EXPIRED' });
});
