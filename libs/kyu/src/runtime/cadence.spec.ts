import { jest } from '@jest/globals';
import { Cadence } from './cadence.js';
import { KyuLog } from './kyu-log.js';

const PERIOD = 1_000;

/** A cadence whose runs end when the test says so, in a time that moves when the test says so. */
function setUp() {
  const ends: { resolve: (n: number) => void; reject: (e: Error) => void }[] =
    [];
  const warnings: string[] = [];
  const cadence = new Cadence<number>(
    'Sweeping',
    PERIOD,
    () =>
      new Promise((resolve, reject) => {
        ends.push({ resolve, reject });
      }),
    new KyuLog({
      log: () => undefined,
      error: () => undefined,
      warn: (message: unknown) => warnings.push(String(message)),
    }),
  );
  const settled = (): Promise<void> => jest.advanceTimersByTimeAsync(0);
  return {
    cadence,
    warnings,
    /** How many runs have begun. */
    runs: () => ends.length,
    finish: (value = 0) => {
      ends.at(-1)!.resolve(value);
      return settled();
    },
    fail: (message: string) => {
      ends.at(-1)!.reject(new Error(message));
      return settled();
    },
    pass: (ms: number) => jest.advanceTimersByTime(ms),
  };
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('Cadence', () => {
  it('does nothing before start()', () => {
    const { cadence, runs, pass } = setUp();
    pass(10 * PERIOD);
    cadence.tick();
    cadence.runSoon();
    expect(runs()).toBe(0);
  });

  it('runs for the first time one period after start(), not sooner', () => {
    const { cadence, runs, pass } = setUp();
    cadence.start();
    cadence.tick();
    pass(PERIOD - 1);
    cadence.tick();
    expect(runs()).toBe(0);
    pass(1);
    cadence.tick();
    expect(runs()).toBe(1);
  });

  it('runs once a period, however often it ticks', async () => {
    const { cadence, runs, finish, pass } = setUp();
    cadence.start();
    for (let ms = 0; ms < 5 * PERIOD; ms += 250) {
      pass(250);
      cadence.tick();
      if (runs() > 0) await finish();
    }
    expect(runs()).toBe(5);
  });

  it('is never in two runs at once', async () => {
    const { cadence, runs, finish, pass } = setUp();
    cadence.start();
    pass(PERIOD);
    cadence.tick();
    pass(5 * PERIOD);
    cadence.tick();
    cadence.tick();
    expect(runs()).toBe(1);
    await finish();
    expect(runs()).toBe(1); // ticks that were missed are not made up for
    cadence.tick();
    expect(runs()).toBe(2);
  });

  it('runSoon() runs at once, and the period begins anew', async () => {
    const { cadence, runs, finish, pass } = setUp();
    cadence.start();
    pass(PERIOD - 1);
    cadence.runSoon();
    expect(runs()).toBe(1);
    await finish();
    pass(PERIOD - 1);
    cadence.tick();
    expect(runs()).toBe(1);
    pass(1);
    cadence.tick();
    expect(runs()).toBe(2);
  });

  it('runSoon() during a run runs once more afterwards, however often it was called', async () => {
    const { cadence, runs, finish } = setUp();
    cadence.start();
    cadence.runSoon();
    cadence.runSoon();
    cadence.runSoon();
    expect(runs()).toBe(1);
    await finish();
    expect(runs()).toBe(2);
    await finish();
    expect(runs()).toBe(2);
  });

  it('runSoon() during a run that fails runs once more, too', async () => {
    const { cadence, runs, fail } = setUp();
    cadence.start();
    cadence.runSoon();
    cadence.runSoon();
    await fail('no answer');
    expect(runs()).toBe(2);
  });

  it('logs a failure in one line and goes on with the next period', async () => {
    const { cadence, runs, finish, fail, warnings, pass } = setUp();
    cadence.start();
    pass(PERIOD);
    cadence.tick();
    await fail('no answer');
    expect(warnings).toEqual(['Sweeping failed, trying again: no answer']);
    cadence.tick();
    expect(runs()).toBe(1); // not at once
    pass(PERIOD);
    cadence.tick();
    expect(runs()).toBe(2);
    await finish();
    expect(warnings).toHaveLength(1);
  });

  it('runNow() works without start() and returns what the work returns', async () => {
    const { cadence, finish } = setUp();
    const counts = cadence.runNow();
    await finish(7);
    await expect(counts).resolves.toBe(7);
  });

  it('runNow() joins the run under way', async () => {
    const { cadence, runs, finish } = setUp();
    const both = Promise.all([cadence.runNow(), cadence.runNow()]);
    expect(runs()).toBe(1);
    await finish(7);
    await expect(both).resolves.toEqual([7, 7]);
  });

  it('runNow() tells its caller of a failure, and logs nothing', async () => {
    const { cadence, fail, warnings } = setUp();
    const run = cadence.runNow().catch((error: Error) => error.message);
    await fail('no answer');
    await expect(run).resolves.toBe('no answer');
    expect(warnings).toEqual([]);
  });

  it('stop() waits for the run under way, whether it fails or not', async () => {
    for (const end of ['finish', 'fail'] as const) {
      const { cadence, [end]: finish } = setUp();
      cadence.start();
      cadence.runSoon();
      let stopped = false;
      const stop = cadence.stop().then(() => (stopped = true));
      await jest.advanceTimersByTimeAsync(10 * PERIOD);
      expect(stopped).toBe(false);
      await (finish as (value: never) => Promise<void>)('x' as never);
      await stop;
    }
  });

  it('stop() resolves at once when nothing runs, also before start()', async () => {
    await expect(setUp().cadence.stop()).resolves.toBeUndefined();
  });

  it('begins no run after stop(), not even one that runSoon() had asked for', async () => {
    const { cadence, runs, finish, pass } = setUp();
    cadence.start();
    cadence.runSoon();
    cadence.runSoon();
    const stop = cadence.stop();
    await finish();
    await stop;
    cadence.runSoon();
    pass(10 * PERIOD);
    cadence.tick();
    expect(runs()).toBe(1);
  });

  it('starts again after a stop', async () => {
    const { cadence, runs, pass } = setUp();
    cadence.start();
    await cadence.stop();
    cadence.start();
    pass(PERIOD);
    cadence.tick();
    expect(runs()).toBe(1);
  });
});
