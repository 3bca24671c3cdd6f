import { Injectable } from '@nestjs/common';
import { JobHandler, type JobContext } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

describe('options of a handler', () => {
  @Injectable()
  class Configured {
    @JobHandler('set', { timeout: '2s', maxRetries: 7, priority: 3 })
    set(_: unknown, job: JobContext): number {
      return job.timeoutMs;
    }
    @JobHandler('zero', { maxRetries: 0, priority: 0 })
    zero(): void {}
    @JobHandler('unset')
    unset(): void {}
  }

  it('hold for the jobs of its type, enqueued one by one or many at once', async () => {
    const { app, queue } = await startKyu({
      providers: [Configured],
      options: { maxRetries: 5, timeout: '9s' },
    });
    expect(await runJob(app, 'set')).toMatchObject({
      timeoutMs: 2_000,
      maxRetries: 7,
      priority: 3,
      result: 2_000,
    });
    expect(await runJob(app, 'zero')).toMatchObject({
      timeoutMs: 9_000,
      maxRetries: 0,
      priority: 0,
    });
    expect(await runJob(app, 'unset')).toMatchObject({
      timeoutMs: 9_000,
      maxRetries: 5,
      priority: 0,
    });
    const [id] = await queue.enqueueMany([{ type: 'set', payload: 1 }]);
    expect(await queue.inspect(id!)).toMatchObject({
      timeoutMs: 2_000,
      maxRetries: 7,
      priority: 3,
    });
  });

  it('give way to those of enqueue(), each by itself, zero included', async () => {
    const { app } = await startKyu({ providers: [Configured] });
    expect(
      await runJob(app, 'set', null, { maxRetries: 0, priority: -1 }),
    ).toMatchObject({ maxRetries: 0, priority: -1, timeoutMs: 2_000 });
    expect(await runJob(app, 'set', null, { timeout: 100 })).toMatchObject({
      maxRetries: 7,
      priority: 3,
      timeoutMs: 100,
    });
  });

  it('give way to handlerOptions, each by itself, where nobody handles the type as well', async () => {
    const { app, queue } = await startKyu({
      providers: [Configured],
      options: {
        handlerOptions: {
          set: { timeout: '4s', priority: undefined },
          retried: { backoff: { base: '1ms' } },
          elsewhere: { maxRetries: 1 },
        },
      },
    });
    expect(await runJob(app, 'set')).toMatchObject({
      timeoutMs: 4_000,
      maxRetries: 7,
      priority: 3,
      result: 4_000,
    });
    expect(await runJob(app, 'set', null, { timeout: 100 })).toMatchObject({
      timeoutMs: 100,
    });
    // The module's first wait is a second, the test's patience five.
    let runs = 0;
    queue.register('retried', () => {
      if (++runs < 5) throw new Error('again');
    });
    await queue.enqueue('retried', null, { maxRetries: 5 });
    await until('the last try', () => runs === 5);
    const id = await queue.enqueue('elsewhere', null);
    expect((await queue.inspect(id)).maxRetries).toBe(1);
  });

  it('of register() hold as well', async () => {
    const { app, queue } = await startKyu();
    queue.register('late', () => undefined, { timeout: '3s', priority: 2 });
    expect(await runJob(app, 'late')).toMatchObject({
      timeoutMs: 3_000,
      priority: 2,
      maxRetries: 3,
    });
  });

  it('end a run that takes too long, and abort its signal with the reason', async () => {
    let reason: unknown;
    class Slow {
      @JobHandler('slow', { timeout: 50 })
      run(_: unknown, { signal }: JobContext): Promise<void> {
        return new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            reason = signal.reason;
            resolve();
          });
        });
      }
    }
    const { app } = await startKyu({ providers: [Slow] });
    const job = await runJob(app, 'slow');
    expect(job).toMatchObject({ status: 'failed', retryCount: 1 });
    expect(job.errorMessage).toContain('timeout of 50 ms');
    expect(reason).toMatchObject({ code: 'KYU_JOB_TIMEOUT' });
  });
});
