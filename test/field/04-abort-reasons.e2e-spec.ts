import { getMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  JobCancelledError,
  JobTimeoutError,
  LeaseExpiredError,
  WorkerStoppingError,
  type JobContext,
} from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { FaultProxy } from '../support/fault-proxy.js';
import { POSTGRES_URL } from '../support/servers.js';
import { runJob } from '../support/run-job.js';
import { startKyu, type StartOptions } from '../support/start-kyu.js';

/** A handler that waits for its signal, in an application that does not wait for it. */
async function waiting(options: StartOptions['options'] = {}) {
  const signals: AbortSignal[] = [];
  const kyu = await startKyu({
    handlers: {
      wait: (_: unknown, { signal }: JobContext) => {
        signals.push(signal);
        return sleep(60_000, undefined, { signal });
      },
    },
    options: { drainTimeout: 1, ...options },
  });
  const reason = async (): Promise<unknown> => {
    await until('its signal aborts', () => signals[0]?.aborted ?? false);
    return signals[0]!.reason;
  };
  const begun = () => until('the handler waits', () => signals.length > 0);
  return { kyu, begun, reason };
}

describe('field 04: signal.reason says why a run should end', () => {
  it('a timeout', async () => {
    const { kyu, reason } = await waiting();
    await kyu.queue.enqueue('wait', null, { timeout: 50 });
    const why = await reason();
    expect(why).toBeInstanceOf(JobTimeoutError);
    expect(why).toMatchObject({ code: 'KYU_JOB_TIMEOUT', timeoutMs: 50 });
  });

  it('a cancel', async () => {
    const { kyu, begun, reason } = await waiting();
    const id = await kyu.queue.enqueue('wait', null);
    await begun();
    await kyu.queue.cancelJob(id);
    const why = await reason();
    expect(why).toBeInstanceOf(JobCancelledError);
    expect(why).toMatchObject({ code: 'KYU_JOB_CANCELLED' });
  });

  it('a stop', async () => {
    const { kyu, begun, reason } = await waiting();
    await kyu.queue.enqueue('wait', null);
    await begun();
    await kyu.close();
    const why = await reason();
    expect(why).toBeInstanceOf(WorkerStoppingError);
    expect(why).toMatchObject({ code: 'KYU_WORKER_STOPPING' });
  });

  it('a worker that has lost touch with PostgreSQL', async () => {
    const proxy = await FaultProxy.open(POSTGRES_URL);
    try {
      const { kyu, begun, reason } = await waiting({
        postgres: { url: proxy.url },
        heartbeatInterval: 250,
        heartbeatTimeout: 1_000,
      });
      await kyu.queue.enqueue('wait', null);
      await begun();
      proxy.set('cut');
      const why = await reason();
      expect(why).toBeInstanceOf(LeaseExpiredError);
      expect(why).toMatchObject({ code: 'KYU_LEASE_EXPIRED' });
      proxy.set('none');
      await kyu.close();
    } finally {
      await proxy.close();
    }
  });
});

it('field 04: fifty waits on one signal are no leak to Node', async () => {
  const limits: number[] = [];
  const { app } = await startKyu({
    handlers: {
      many: async (_: unknown, { signal }: JobContext) => {
        const waits = Array.from({ length: 50 }, () =>
          sleep(60_000, undefined, { signal }).catch(() => 'aborted'),
        );
        limits.push(getMaxListeners(signal));
        await Promise.all(waits);
      },
    },
  });
  const job = await runJob(app, 'many', null, { timeout: 50, maxRetries: 0 });
  expect(job.errorMessage).toContain('longer than its timeout');
  // Node 20 has 10, and warns of the eleventh on the console of the process, past what a test can see.
  expect(limits).toEqual([Infinity]);
});
