import { ParseIntPipe } from '@nestjs/common';
import { JobContext, JobHandler, JobPayload } from '@kyu/nestjs';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

describe('what a handler gets', () => {
  it('payload and context, without decorators', async () => {
    let seen: unknown[] = [];
    class Plain {
      @JobHandler('plain')
      run(...args: unknown[]): void {
        seen = args;
      }
    }
    const { app } = await startKyu({ providers: [Plain] });
    const { id } = await runJob(app, 'plain', { a: [1] });
    expect(seen).toHaveLength(2);
    expect(seen[0]).toEqual({ a: [1] });
    expect(seen[1]).toMatchObject({ id, type: 'plain' });
  });

  it('what its parameter decorators ask for, in their order, through their pipes', async () => {
    let seen: unknown[] = [];
    class Decorated {
      @JobHandler('decorated')
      run(
        @JobContext() job: JobContext,
        @JobPayload('to') to: string,
        @JobPayload('count', ParseIntPipe) count: number,
        @JobPayload() all: object,
        @JobPayload('constructor') inherited: unknown,
        @JobPayload('missing') missing: unknown,
      ): void {
        seen = [job.type, to, count, all, inherited, missing];
      }
    }
    const { app } = await startKyu({ providers: [Decorated] });
    const payload = { to: 'Ada', count: '42' };
    await runJob(app, 'decorated', payload);
    expect(seen).toEqual([
      'decorated',
      'Ada',
      42,
      payload,
      undefined,
      undefined,
    ]);
  });

  it.each([[null], ['text'], [7], [true], [['a']]])(
    'no field of a payload that has none: %j',
    async (payload) => {
      let seen: unknown[] = [];
      class Fields {
        @JobHandler('fields')
        run(@JobPayload('to') to: unknown, @JobPayload() all: unknown): void {
          seen = [to, all];
        }
      }
      const { app } = await startKyu({ providers: [Fields] });
      await runJob(app, 'fields', payload);
      expect(seen).toEqual([undefined, payload]);
    },
  );

  it('a context whose fields are right, and a new token and attempt at the retry', async () => {
    const contexts: JobContext[] = [];
    const kyu = await startKyu({
      options: { backoff: { base: '1ms' } },
      handlers: {
        look: (_: unknown, context: JobContext) => {
          contexts.push(context);
          if (context.attempt === 1) throw new Error('again');
        },
      },
    });
    const done = kyu.nextEvent(
      'job.settled',
      ({ status }) => status === 'completed',
    );
    const before = Date.now();
    const id = await kyu.queue.enqueue('look', null, {
      priority: 4,
      maxRetries: 2,
      timeout: '7s',
    });
    await done;
    const [first, second] = contexts;
    expect(first).toMatchObject({
      id,
      type: 'look',
      queue: kyu.queueName,
      attempt: 1,
      maxRetries: 2,
      priority: 4,
      timeoutMs: 7_000,
      token: 1,
    });
    expect(first!.worker).toMatch(/^.+:\d+:[0-9a-f]{12}$/);
    expect(first!.worker).toContain(`:${process.pid}:`);
    expect(first!.createdAt).toBeInstanceOf(Date);
    expect(Math.abs(first!.createdAt.getTime() - before)).toBeLessThan(5_000);
    expect(first!.scheduledAt).toEqual(first!.createdAt);
    expect(first!.signal).toBeInstanceOf(AbortSignal);
    expect(first!.signal).toBe(first!.signal);
    expect(first!.signal.aborted).toBe(false);
    expect(second).toMatchObject({ id, attempt: 2, token: 2 });
    expect(second!.scheduledAt.getTime()).toBeGreaterThan(
      first!.scheduledAt.getTime(),
    );
  });
});
