import { jest } from '@jest/globals';
import { LateTimers } from './late-timers.js';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const turn = (): Promise<void> => jest.advanceTimersByTimeAsync(0);

it('rings after its time, counted from when it was set', async () => {
  const timers = new LateTimers();
  const ring = jest.fn();
  timers.set(100, ring);
  await jest.advanceTimersByTimeAsync(99);
  expect(ring).not.toHaveBeenCalled();
  await jest.advanceTimersByTimeAsync(1);
  expect(ring).toHaveBeenCalledTimes(1);
});

it('makes no timer of what is cancelled in the turn in which it was set', async () => {
  const timers = new LateTimers();
  const cancelled = timers.set(100, jest.fn());
  timers.set(50, jest.fn());
  cancelled.cancel();
  await turn();
  expect(jest.getTimerCount()).toBe(1);
});

it('can be cancelled later, too', async () => {
  const ring = jest.fn();
  const timer = new LateTimers().set(100, ring);
  await turn();
  timer.cancel();
  expect(jest.getTimerCount()).toBe(0);
});

it('rings at once when its time has passed before the turn ends', async () => {
  const clock = jest.spyOn(performance, 'now').mockReturnValue(0);
  const ring = jest.fn();
  new LateTimers().set(100, ring);
  clock.mockReturnValue(150); // the turn was long
  await jest.advanceTimersByTimeAsync(1);
  expect(ring).toHaveBeenCalledTimes(1);
  clock.mockRestore();
});

it('serves those that are set while others are being armed', async () => {
  const timers = new LateTimers();
  const rung: string[] = [];
  timers.set(10, () => rung.push('first'));
  await turn();
  timers.set(10, () => rung.push('second'));
  await jest.advanceTimersByTimeAsync(20);
  expect(rung).toEqual(['first', 'second']);
});
