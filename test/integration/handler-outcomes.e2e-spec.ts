import { JobHandler, UnrecoverableJobError } from '@kyu/nestjs';
import { EMPTY, NEVER, from, of, throwError } from 'rxjs';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

/** JavaScript lets a handler throw anything at all. */
const fail = (thrown: unknown) => (): never => {
  throw thrown;
};
const hostileMessage = Object.defineProperty(new Error('x'), 'message', {
  get: fail(new Error('the getter')),
});
const hostileStack = Object.defineProperty(new Error('has stack'), 'stack', {
  get: fail(new Error('the getter')),
});
const hostilePrototype = new Proxy(
  {},
  { getPrototypeOf: fail(new Error('the trap')) },
);

describe('a handler that throws', () => {
  it.each<[string, unknown, string | RegExp]>([
    ['an error', new Error('boom'), 'boom'],
    ['an error without a message', new TypeError(), 'TypeError'],
    ['null', null, 'The handler threw null'],
    ['undefined', undefined, 'The handler threw undefined'],
    ['a string', 'boom', 'The handler threw boom'],
    ['an empty string', '', 'The handler threw '],
    ['a number', 0, 'The handler threw 0'],
    ['a symbol', Symbol('s'), 'The handler threw Symbol(s)'],
    ['an object', { code: 7 }, 'The handler threw { code: 7 }'],
    ['an object without prototype', Object.create(null), /The handler threw/],
    ['an error whose message throws', hostileMessage, /cannot be shown/],
    ['an error whose stack throws', hostileStack, /has stack|cannot be shown/],
    ['a proxy whose every look throws', hostilePrototype, /./],
    ['a promise', Promise.resolve(1), /The handler threw Promise/],
    ['a message with NUL', new Error('a\0b'), 'a\uFFFDb'],
    ['half a surrogate', new Error('a\uD800b'), 'a\uFFFDb'],
    ['an error frozen', Object.freeze(new Error('cold')), 'cold'],
  ])('%s fails its job, and the process works on', async (_, thrown, text) => {
    class Thrower {
      @JobHandler('decorated')
      decorated(): void {
        throw thrown;
      }
    }
    const { app } = await startKyu({
      providers: [Thrower],
      handlers: {
        sync: fail(thrown),
        async: async () => {
          throw thrown;
        },
        fine: () => 'fine',
      },
    });
    for (const type of ['sync', 'async', 'decorated']) {
      const job = await runJob(app, type);
      expect(job).toMatchObject({ status: 'failed', retryCount: 1 });
      if (typeof text === 'string') expect(job.errorMessage).toBe(text);
      else expect(job.errorMessage).toMatch(text);
      expect(job.history[0]).toMatchObject({
        outcome: 'failed',
        error: job.errorMessage,
      });
    }
    expect((await runJob(app, 'fine')).result).toBe('fine');
  });

  it('UnrecoverableJobError is dead at once, whatever retries are left', async () => {
    const { app, queue } = await startKyu({
      handlers: { bad: fail(new UnrecoverableJobError('no such address')) },
    });
    const job = await runJob(app, 'bad', null, { maxRetries: 10 });
    expect(job).toMatchObject({
      status: 'dead',
      retryCount: 0,
      errorMessage: 'no such address',
    });
    expect(job.completedAt).toBeInstanceOf(Date);
    expect(await queue.deadJobs()).toMatchObject([{ id: job.id }]);
  });

  it('a subclass of UnrecoverableJobError is dead at once too', async () => {
    class NoSuchUser extends UnrecoverableJobError {}
    const { app } = await startKyu({
      handlers: { bad: fail(new NoSuchUser('nobody')) },
    });
    expect((await runJob(app, 'bad')).status).toBe('dead');
  });

  it('with no retries is dead at once', async () => {
    const { app } = await startKyu({ handlers: { bad: fail(new Error('x')) } });
    const job = await runJob(app, 'bad', null, { maxRetries: 0 });
    expect(job).toMatchObject({ status: 'dead', retryCount: 0 });
  });
});

describe('what a handler returns', () => {
  it.each<[unknown, unknown]>([
    [undefined, null],
    [null, null],
    ['text', 'text'],
    [0, 0],
    [false, false],
    ['', ''],
    [{ a: [1, { b: null }] }, { a: [1, { b: null }] }],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    [() => 1, null],
    [10n, null],
    [Number.NaN, null],
  ])('is the result: %p is kept as %p', async (returned, kept) => {
    const { app } = await startKyu({
      handlers: { sync: () => returned, async: async () => returned },
    });
    for (const type of ['sync', 'async'])
      expect(await runJob(app, type)).toMatchObject({
        status: 'completed',
        result: kept,
      });
  });

  it('is dropped with a warning when it cannot be kept; the job is completed', async () => {
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    const { app, logger } = await startKyu({
      handlers: { cyclic: () => cyclic, huge: () => 'x'.repeat(65_536) },
    });
    for (const type of ['cyclic', 'huge'])
      expect(await runJob(app, type)).toMatchObject({
        status: 'completed',
        result: null,
      });
    expect(logger.messages('warn')).toEqual([
      expect.stringMatching(/cyclic\) is not kept/),
      expect.stringMatching(/huge\) is not kept: it has 65538 bytes/),
    ]);
  });
});

/** Nest resolves an Observable to its last value, wherever a method may return one. */
describe('an Observable that a handler returns', () => {
  class Streams {
    @JobHandler('decorated.values')
    values(): unknown {
      return from([1, 2, 3]);
    }
    @JobHandler('decorated.error')
    error(): unknown {
      return throwError(() => new Error('in the stream'));
    }
  }
  const handlers = {
    'registered.values': () => from([1, 2, 3]),
    'registered.error': () => throwError(() => new Error('in the stream')),
  };

  it.each(['decorated', 'registered'])(
    '%s: its last value is the result',
    async (kind) => {
      const { app } = await startKyu({ providers: [Streams], handlers });
      expect(await runJob(app, `${kind}.values`)).toMatchObject({
        status: 'completed',
        result: 3,
      });
    },
  );

  it.each(['decorated', 'registered'])(
    '%s: its error is the failure',
    async (kind) => {
      const { app } = await startKyu({ providers: [Streams], handlers });
      expect(await runJob(app, `${kind}.error`)).toMatchObject({
        status: 'failed',
        errorMessage: 'in the stream',
      });
    },
  );

  it('that never ends runs into the timeout of the job', async () => {
    class Endless {
      @JobHandler('endless')
      run(): unknown {
        return NEVER;
      }
    }
    const { app } = await startKyu({ providers: [Endless] });
    const job = await runJob(app, 'endless', null, { timeout: 50 });
    expect(job.errorMessage).toContain('timeout of 50 ms');
  });

  it('that is empty or holds undefined completes the job', async () => {
    class Streams {
      @JobHandler('empty')
      empty(): unknown {
        return EMPTY;
      }
      @JobHandler('void')
      nothing(): unknown {
        return of(undefined);
      }
    }
    const { app } = await startKyu({ providers: [Streams] });
    expect((await runJob(app, 'void')).status).toBe('completed');
    expect(await runJob(app, 'empty')).toMatchObject({
      status: 'completed',
      result: null,
    });
  });
});
