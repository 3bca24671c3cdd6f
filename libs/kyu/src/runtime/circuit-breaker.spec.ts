import { CircuitBreaker } from './circuit-breaker.js';

const PAUSE = { firstMs: 250, lastMs: 2_000 };
const AWAY = new Error('away');

/** A breaker whose clock stands still until the test moves it. */
function newBreaker(pause = PAUSE) {
  const clock = { now: 1_000_000 };
  const changes: [open: boolean, cause?: Error][] = [];
  const breaker = new CircuitBreaker(
    pause,
    (...change) => changes.push(change),
    () => clock.now,
  );
  return { breaker, clock, changes };
}

/** For how many milliseconds nothing passes from now on. */
function openFor({ breaker, clock }: ReturnType<typeof newBreaker>): number {
  const start = clock.now;
  while (breaker.isOpen) clock.now++;
  return clock.now - start;
}

describe('CircuitBreaker', () => {
  it('is closed at first, and says nothing', () => {
    const { breaker, changes } = newBreaker();
    expect(breaker.isOpen).toBe(false);
    breaker.succeeded();
    expect(breaker.isOpen).toBe(false);
    expect(changes).toEqual([]);
  });

  it('is open after one failure, for the first pause to the millisecond', () => {
    const { breaker, clock } = newBreaker();
    breaker.failed(AWAY);
    expect(breaker.isOpen).toBe(true);
    clock.now += PAUSE.firstMs - 1;
    expect(breaker.isOpen).toBe(true);
    clock.now += 1;
    expect(breaker.isOpen).toBe(false);
  });

  it('doubles the pause with each probe that fails, up to the last', () => {
    const broken = newBreaker();
    const pauses = Array.from({ length: 6 }, () => {
      broken.breaker.failed(AWAY);
      return openFor(broken);
    });
    expect(pauses).toEqual([250, 500, 1_000, 2_000, 2_000, 2_000]);
  });

  it('never waits longer than the last pause, however often it fails', () => {
    const broken = newBreaker();
    for (let i = 0; i < 5_000; i++) broken.breaker.failed(AWAY); // 2 ** 5000 is no number any more
    expect(openFor(broken)).toBe(PAUSE.lastMs);
  });

  it('has a first pause that is no longer than the last', () => {
    const broken = newBreaker({ firstMs: 500, lastMs: 100 });
    broken.breaker.failed(AWAY);
    expect(openFor(broken)).toBe(100);
  });

  it('counts the pause from the newest failure', () => {
    const broken = newBreaker();
    broken.breaker.failed(AWAY);
    broken.clock.now += 100;
    broken.breaker.failed(AWAY); // a call that was under way
    expect(openFor(broken)).toBe(500);
  });

  it('is closed by a success, at once', () => {
    const { breaker } = newBreaker();
    breaker.failed(AWAY);
    breaker.failed(AWAY);
    breaker.succeeded();
    expect(breaker.isOpen).toBe(false);
  });

  it('begins again with the first pause after a success', () => {
    const broken = newBreaker();
    for (let i = 0; i < 4; i++) broken.breaker.failed(AWAY);
    broken.breaker.succeeded();
    broken.breaker.failed(AWAY);
    expect(openFor(broken)).toBe(PAUSE.firstMs);
  });

  it('stays broken when only time has passed: the next failure is the next of the same outage', () => {
    const broken = newBreaker();
    broken.breaker.failed(AWAY);
    broken.clock.now += 3_600_000;
    expect(broken.breaker.isOpen).toBe(false);
    broken.breaker.failed(AWAY);
    expect(openFor(broken)).toBe(500);
    expect(broken.changes).toHaveLength(1);
  });

  it('tells of an outage once, with what it began with, and of its end once', () => {
    const { breaker, clock, changes } = newBreaker();
    breaker.failed(AWAY);
    breaker.failed(new Error('still away'));
    clock.now += 10_000;
    breaker.failed(new Error('still away'));
    expect(changes).toEqual([[true, AWAY]]);
    breaker.succeeded();
    breaker.succeeded();
    expect(changes).toEqual([[true, AWAY], [false]]);
    const again = new Error('away again');
    breaker.failed(again);
    expect(changes).toEqual([[true, AWAY], [false], [true, again]]);
  });

  it('has changed already when it tells', () => {
    const seen: boolean[] = [];
    const breaker: CircuitBreaker = new CircuitBreaker(
      PAUSE,
      () => seen.push(breaker.isOpen),
      () => 0,
    );
    breaker.failed(AWAY);
    breaker.succeeded();
    expect(seen).toEqual([true, false]);
  });

  it('has the monotonic clock when none is given', () => {
    const breaker = new CircuitBreaker(PAUSE, () => undefined);
    expect(breaker.isOpen).toBe(false);
    breaker.failed(AWAY);
    expect(breaker.isOpen).toBe(true);
  });
});
