import { getEventListeners } from 'node:events';
import { UseGuards, UseInterceptors } from '@nestjs/common';
import { JobHandler, OnJobEvent, type JobContext } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { EMPTY, finalize, map, Observable, of, retry } from 'rxjs';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

/** A stream that never ends by itself, and counts what becomes of it. */
class Ticking {
  subscribed = 0;
  unsubscribed = 0;
  ticks = 0;

  readonly stream = new Observable<number>((out) => {
    this.subscribed++;
    const timer = setInterval(() => out.next(this.ticks++), 1);
    return () => {
      clearInterval(timer);
      this.unsubscribed++;
    };
  });
}

describe('field 04: a handler that is a generator', () => {
  class AsyncGenerator {
    @JobHandler('export')
    async *run() {
      yield 1;
    }
  }
  class Generator {
    @JobHandler('export')
    *run() {
      yield 1;
    }
  }

  it.each([AsyncGenerator, Generator])(
    'is refused at boot: %p',
    async (Jobs) => {
      await expect(startKyu({ providers: [Jobs] })).rejects.toThrow(
        /\.run \(.*\) is a generator function: a call would only make an iterator, and run not a line of it; make it an async method/,
      );
    },
  );

  it('is refused by register()', async () => {
    const { queue } = await startKyu();
    expect(() =>
      queue.register('export', async function* () {
        yield 1;
      }),
    ).toThrow(/register\("export"\) is a generator function/);
  });

  it('is refused as a listener', async () => {
    class Listener {
      @OnJobEvent('completed')
      async *heard() {
        yield 1;
      }
    }
    await expect(startKyu({ providers: [Listener] })).rejects.toThrow(
      /heard \(.*\) is a generator function/,
    );
  });

  it.each<[string, () => unknown]>([
    [
      'an async generator',
      async function* () {
        yield 1;
      },
    ],
    [
      'a generator',
      function* () {
        yield 1;
      },
    ],
    ['an iterator', () => new Map([[1, 2]]).entries()],
  ])('that gives %s unread fails its run', async (_, make) => {
    class Jobs {
      @JobHandler('decorated')
      run(): unknown {
        return make();
      }
      @JobHandler('wrapped')
      @UseInterceptors({
        intercept: (_context, next) =>
          next.handle().pipe(map((data: unknown) => ({ data }))),
      })
      async wrapped(): Promise<unknown> {
        return make();
      }
    }
    const { app } = await startKyu({
      providers: [Jobs],
      handlers: { registered: async () => make() },
    });
    for (const type of ['decorated', 'wrapped', 'registered'])
      expect(await runJob(app, type)).toMatchObject({
        status: 'failed',
        errorMessage: expect.stringContaining(
          'The handler returned an iterator that nothing has read',
        ),
      });
  });

  it('a list, a Map and a Set are no iterators', async () => {
    const { app } = await startKyu({
      handlers: {
        list: () => [1, 2],
        map: () => new Map(),
        set: () => new Set(),
      },
    });
    for (const type of ['list', 'map', 'set'])
      expect((await runJob(app, type)).status).toBe('completed');
  });
});

describe('field 04: an Observable', () => {
  it('without values completes the job, decorated, registered, and inside an interceptor', async () => {
    const seen: unknown[] = [];
    class Jobs {
      @JobHandler('decorated')
      plain() {
        return EMPTY;
      }
      @JobHandler('intercepted')
      @UseInterceptors({
        intercept: (_, next) => {
          const stream = next.handle();
          stream.subscribe({ next: (value) => seen.push(value) });
          return stream;
        },
      })
      inside() {
        return EMPTY;
      }
    }
    const { app } = await startKyu({
      providers: [Jobs],
      handlers: { registered: () => EMPTY },
      options: {
        interceptors: [{ intercept: (_, next) => next.handle() }],
      },
    });
    for (const type of ['decorated', 'registered', 'intercepted'])
      expect(await runJob(app, type)).toMatchObject({
        status: 'completed',
        result: null,
      });
    // As of a method that returns nothing.
    expect(seen).toEqual([undefined]);
  });

  const ticking = async (interceptors: boolean) => {
    const ticks = new Ticking();
    const around = UseInterceptors(
      ...(interceptors
        ? [
            {
              intercept: (
                _: unknown,
                next: { handle(): Observable<unknown> },
              ) => next.handle().pipe(retry({ delay: 1 })), // for ever
            },
          ]
        : []),
    );
    let calls = 0;
    let reason: unknown;
    class Jobs {
      @JobHandler('tick', { maxRetries: 0 })
      @around
      tick(_: unknown, { signal }: JobContext) {
        calls++;
        return ticks.stream.pipe(finalize(() => (reason = signal.reason)));
      }
    }
    const kyu = await startKyu({
      providers: [Jobs],
      options: { drainTimeout: 1 },
    });
    const running = () => until('it ticks', () => ticks.ticks > 2);
    const ended = async (code: string) => {
      await until('nothing ticks', () => ticks.unsubscribed > 0);
      expect(ticks).toMatchObject({ subscribed: 1, unsubscribed: 1 });
      expect(reason).toMatchObject({ code });
      // retry() asks for another try of a run that is over: the handler is not called for it.
      expect(calls).toBe(1);
    };
    return { kyu, running, ended };
  };

  describe.each([
    ['plain', false],
    ['inside retry()', true],
  ])('%s', (_, interceptors) => {
    it('is unsubscribed when the job times out', async () => {
      const { kyu, ended } = await ticking(interceptors);
      expect(
        await runJob(kyu.app, 'tick', null, { timeout: 100 }),
      ).toMatchObject({ status: 'dead' });
      await ended('KYU_JOB_TIMEOUT');
    });

    it('is unsubscribed when the job is cancelled, and the run ends', async () => {
      const { kyu, running, ended } = await ticking(interceptors);
      const settled = kyu.nextEvent('job.settled');
      const id = await kyu.queue.enqueue('tick', null);
      await running();
      await kyu.queue.cancelJob(id);
      expect(await settled).toMatchObject({ id, status: 'cancelled' });
      await ended('KYU_JOB_CANCELLED');
    });

    it('is unsubscribed when the process stops', async () => {
      const { kyu, running, ended } = await ticking(interceptors);
      await kyu.queue.enqueue('tick', null);
      await running();
      const released = kyu.nextEvent('job.released');
      await kyu.app.close();
      await released;
      await ended('KYU_WORKER_STOPPING');
    });
  });

  it('of a guard is unsubscribed when the job times out', async () => {
    const ticks = new Ticking();
    class Jobs {
      @JobHandler('guarded')
      @UseGuards({ canActivate: () => ticks.stream as Observable<never> })
      run(): void {}
    }
    const { app } = await startKyu({ providers: [Jobs] });
    const job = await runJob(app, 'guarded', null, { timeout: 50 });
    expect(job.errorMessage).toContain('longer than its timeout');
    await until('nothing ticks', () => ticks.unsubscribed === 1);
  });

  it('that has ended leaves no listener on the signal', async () => {
    const signals: AbortSignal[] = [];
    const { app } = await startKyu({
      handlers: {
        brief: (_: unknown, { signal }: JobContext) => {
          signals.push(signal);
          return of('first', 'last');
        },
      },
    });
    expect((await runJob(app, 'brief')).result).toBe('last');
    expect(getEventListeners(signals[0]!, 'abort')).toEqual([]);
  });
});
