import { jest } from '@jest/globals';
import { DueAlarm } from './due-alarm.js';

const MAX_TIMER_MS = 2 ** 31 - 1;

function setUp() {
  const alarm = new DueAlarm();
  const start = performance.now();
  const rings: number[] = [];
  const ring = (): number => rings.push(performance.now() - start);
  alarm.onRing(ring);
  return { alarm, rings, ring };
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('DueAlarm', () => {
  it('rings once, right after the job has come due and never before', () => {
    const { alarm, rings } = setUp();
    alarm.noteDueIn(1_000);
    jest.advanceTimersByTime(1_000);
    expect(rings).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(rings).toHaveLength(1);
    jest.advanceTimersByTime(100_000);
    expect(rings).toHaveLength(1);
  });

  it('rounds parts of a millisecond up', () => {
    const { alarm, rings } = setUp();
    alarm.noteDueIn(10.2);
    jest.runOnlyPendingTimers();
    expect(rings[0]).toBeGreaterThanOrEqual(10.2);
  });

  it.each([0, -5, -1e12])('rings at once for a job that is due: %d', (ms) => {
    const { alarm, rings } = setUp();
    alarm.noteDueIn(ms);
    expect(rings).toEqual([]); // not inside the call
    jest.advanceTimersByTime(1);
    expect(rings).toHaveLength(1);
  });

  it.each([
    [500, 1_000],
    [1_000, 500],
  ])('of %d and %d ms the earliest wins', (first, second) => {
    const { alarm, rings } = setUp();
    alarm.noteDueIn(first);
    alarm.noteDueIn(second);
    jest.runAllTimers();
    expect(rings).toEqual([501]);
  });

  it('keeps one timer, however many jobs it is told of', () => {
    const { alarm } = setUp();
    for (let ms = 10_000; ms > 0; ms -= 10) alarm.noteDueIn(ms);
    expect(jest.getTimerCount()).toBe(1);
  });

  it('can be armed again from its ring', () => {
    const { alarm, rings, ring } = setUp();
    alarm.onRing(() => {
      if (ring() < 3) alarm.noteDueIn(100);
    });
    alarm.noteDueIn(100);
    jest.runAllTimers();
    expect(rings).toEqual([101, 202, 303]);
  });

  it('accepts a later time after it has rung', () => {
    const { alarm, rings } = setUp();
    alarm.noteDueIn(100);
    jest.advanceTimersByTime(101);
    alarm.noteDueIn(5_000);
    jest.runAllTimers();
    expect(rings).toEqual([101, 5_102]);
  });

  it.each([MAX_TIMER_MS, MAX_TIMER_MS + 1, 2 ** 40, Number.MAX_VALUE])(
    'does not ring at once for a job that is due in %d ms, beyond what timers can hold',
    (ms) => {
      const { alarm, rings } = setUp();
      const setTimer = jest.spyOn(globalThis, 'setTimeout');
      alarm.noteDueIn(ms);
      expect(setTimer.mock.calls.map(([, delay]) => delay)).toEqual([
        MAX_TIMER_MS,
      ]);
      setTimer.mockRestore();
      jest.advanceTimersByTime(60_000);
      expect(rings).toEqual([]);
    },
  );

  it('for such a job rings early, once: the listener looks and arms it again', () => {
    const { alarm, rings } = setUp();
    alarm.noteDueIn(3 * MAX_TIMER_MS);
    jest.advanceTimersByTime(MAX_TIMER_MS);
    expect(rings).toHaveLength(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('never rings for a job that is never due', () => {
    const { alarm } = setUp();
    alarm.noteDueIn(Number.POSITIVE_INFINITY);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('holds nothing without a listener', () => {
    const alarm = new DueAlarm();
    alarm.noteDueIn(10);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('is disarmed when its listener goes, and rings for the next listener', () => {
    const { alarm, rings, ring } = setUp();
    alarm.noteDueIn(1_000);
    alarm.onRing(undefined);
    expect(jest.getTimerCount()).toBe(0);
    jest.advanceTimersByTime(5_000);
    expect(rings).toEqual([]);
    alarm.onRing(ring);
    alarm.noteDueIn(2_000); // later than what it had been armed for
    jest.runAllTimers();
    expect(rings).toEqual([7_001]);
  });
});

describe('DueAlarm and the process', () => {
  it('does not keep the process alive', () => {
    jest.useRealTimers();
    const unref = jest.fn();
    const timers = jest
      .spyOn(globalThis, 'setTimeout')
      .mockReturnValue({ unref } as never);
    setUp().alarm.noteDueIn(60_000);
    timers.mockRestore();
    expect(unref).toHaveBeenCalledTimes(1);
  });
});
