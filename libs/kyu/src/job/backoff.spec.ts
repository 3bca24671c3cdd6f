import { backoffMs, type BackoffPolicy } from './backoff.js';

const HOUR = 3_600_000;
/** The defaults of the module. */
const policy: BackoffPolicy = { baseMs: 1_000, capMs: HOUR, jitter: false };

describe('backoffMs', () => {
  it('waits 1 s, 2 s, 4 s … up to the cap', () => {
    const waits = Array.from({ length: 14 }, (_, i) =>
      backoffMs(i + 1, policy),
    );
    expect(waits.map((ms) => ms / 1_000)).toEqual([
      1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 3_600, 3_600,
    ]);
  });

  it.each([34, 35, 54, 64, 1_000, 1_025, 1e9, 2_147_483_647])(
    'defect 18: backoff does not overflow at 34 retries (%d)',
    (retry) => {
      expect(backoffMs(retry, policy)).toBe(HOUR);
      expect(backoffMs(retry, { ...policy, jitter: true })).toBeLessThanOrEqual(
        HOUR,
      );
    },
  );

  it('never shrinks from one retry to the next, with the longest cap there is', () => {
    const long = { baseMs: 1, capMs: 2_147_483_647, jitter: false };
    const waits = Array.from({ length: 60 }, (_, i) => backoffMs(i + 1, long));
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    expect(waits.at(-1)).toBe(long.capMs);
  });

  it.each([0, -1, -1e9])('takes retry %d for the first', (retry) => {
    expect(backoffMs(retry, policy)).toBe(1_000);
  });

  it('a cap equal to the base makes every wait the same', () => {
    const flat = { baseMs: 500, capMs: 500, jitter: false };
    expect([1, 2, 3, 40].map((retry) => backoffMs(retry, flat))).toEqual([
      500, 500, 500, 500,
    ]);
  });

  it('is in whole milliseconds', () => {
    const odd = { baseMs: 1.3, capMs: 10.7, jitter: false };
    expect([1, 2, 3, 9].map((retry) => backoffMs(retry, odd))).toEqual([
      1, 3, 5, 11,
    ]);
  });

  it('without jitter draws nothing', () => {
    expect(
      backoffMs(3, policy, () => {
        throw new Error('drawn');
      }),
    ).toBe(4_000);
  });

  describe('with jitter', () => {
    const jittered = { ...policy, jitter: true };

    it.each([
      [1, 0, 0],
      [1, 0.5, 500],
      [3, 0.25, 1_000],
      [3, 0.999999, 4_000],
      [40, 0.5, HOUR / 2],
    ])('retry %d with the draw %d waits %d ms', (retry, draw, expected) => {
      expect(backoffMs(retry, jittered, () => draw)).toBe(expected);
    });

    it('spreads the waits evenly from 0 to the full wait', () => {
      const buckets = Array<number>(10).fill(0);
      const draws = 50_000;
      for (let i = 0; i < draws; i++) {
        const bucket = Math.floor(backoffMs(5, jittered) / 1_600);
        buckets[bucket === 10 ? 9 : bucket]!++; // 16 000 itself
      }
      expect(Object.keys(buckets)).toHaveLength(10); // none beside 0 to 16 000
      // 5000 each; ten standard deviations are 670
      for (const count of buckets)
        expect(Math.abs(count - draws / 10)).toBeLessThan(670);
    });
  });
});
