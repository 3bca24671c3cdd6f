import { jest } from '@jest/globals';
import { DatabaseClock } from './database-clock.js';

const HOUR_MS = 3_600_000;

/** The clocks of this process stand still, and move when a test says so. */
let wallMs = 1_800_000_000_000;
let monotonicMs = 5_000;

beforeEach(() => {
  jest.spyOn(Date, 'now').mockImplementation(() => wallMs);
  jest.spyOn(performance, 'now').mockImplementation(() => monotonicMs);
});
afterEach(() => jest.restoreAllMocks());

const pass = (ms: number): void => {
  wallMs += ms;
  monotonicMs += ms;
};

/** An answer that was on its way for `tripMs`, from a server that is `aheadMs` ahead; it was written after `share` of the trip. */
function answer(
  clock: DatabaseClock,
  aheadMs: number,
  tripMs = 0,
  share = 0.5,
): void {
  const sentAt = monotonicMs;
  const serverMs = wallMs + aheadMs + tripMs * share;
  pass(tripMs);
  clock.observe(serverMs, sentAt);
}

const timeOf = (id: string): number =>
  Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);

describe('DatabaseClock', () => {
  it('is that of this process until a server has told the time', () => {
    const clock = new DatabaseClock();
    expect(clock.now()).toBe(wallMs);
    for (const nothing of [undefined, null, Number.NaN, Infinity])
      clock.observe(nothing, monotonicMs);
    expect(clock.now()).toBe(wallMs);
  });

  it('is one for each data source', () => {
    const [one, other] = [{}, {}];
    answer(DatabaseClock.of(one), HOUR_MS);
    expect(DatabaseClock.of(one).now()).toBe(wallMs + HOUR_MS);
    expect(DatabaseClock.of(other).now()).toBe(wallMs);
  });

  it('takes the middle of the round trip for the time of the answer', () => {
    const clock = new DatabaseClock();
    answer(clock, -HOUR_MS, 400);
    expect(clock.now()).toBe(wallMs - HOUR_MS);
  });

  it('keeps a good comparison when a worse one comes, and takes a better one', () => {
    const clock = new DatabaseClock();
    answer(clock, HOUR_MS, 10);
    answer(clock, HOUR_MS, 5_000, 0.9);
    expect(clock.now()).toBe(wallMs + HOUR_MS);
    answer(clock, HOUR_MS + 3, 2);
    expect(clock.now()).toBe(wallMs + HOUR_MS + 3);
  });

  it('trusts a comparison the less the older it is: clocks drift', () => {
    const clock = new DatabaseClock();
    answer(clock, 0, 2);
    pass(HOUR_MS);
    answer(clock, 100, 200);
    expect(clock.now()).toBe(wallMs + 100);
  });

  it('sees at once that a clock was set', () => {
    const clock = new DatabaseClock();
    answer(clock, 0, 2);
    answer(clock, -HOUR_MS, 3_000); // a worse answer, but no drift explains it
    expect(clock.now()).toBe(wallMs - HOUR_MS);
  });

  it('makes ids of its time, in order', () => {
    const clock = new DatabaseClock();
    answer(clock, HOUR_MS);
    const ids = [clock.newId(), clock.newId()];
    answer(clock, HOUR_MS - 900); // set back, by less than a second
    ids.push(clock.newId());
    expect(timeOf(ids[0]!)).toBe(wallMs + HOUR_MS);
    expect(ids.toSorted()).toEqual(ids);
  });

  it('makes ids of the new time when it was wrong by more', () => {
    const clock = new DatabaseClock();
    clock.newId();
    answer(clock, -HOUR_MS);
    expect(timeOf(clock.newId())).toBe(wallMs - HOUR_MS);
    const ids = Array.from({ length: 5_000 }, () => clock.newId());
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(5_000);
  });

  it('tells of a skew once, whenever it is noticed', () => {
    for (const listenFirst of [true, false]) {
      const clock = new DatabaseClock();
      const told: number[] = [];
      const listen = (): void => clock.onSkew((skewMs) => told.push(skewMs));
      if (listenFirst) listen();
      answer(clock, 500);
      answer(clock, -2 * HOUR_MS);
      if (!listenFirst) listen();
      answer(clock, 2 * HOUR_MS);
      listen(); // another registration of the same pool
      expect(told).toEqual([2 * HOUR_MS]);
    }
  });

  it('does not tell of what a slow answer may explain', () => {
    const clock = new DatabaseClock();
    clock.onSkew(() => {
      throw new Error('told');
    });
    answer(clock, 0, 10_000, 0);
    expect(clock.now()).not.toBe(wallMs);
  });
});
