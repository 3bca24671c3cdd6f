import { retryWait, type JobBackoff } from './job-backoff.js';

const MODULE = { baseMs: 1_000, capMs: 60_000, jitter: false };
const quiet = (problem: string): void => {
  throw new Error(problem);
};
const waits = (backoff: JobBackoff | undefined) => {
  const wait = retryWait(backoff, MODULE, quiet);
  return [1, 2, 3, 40].map((attempt) => wait(attempt, new Error('no')));
};

describe('retryWait', () => {
  it.each<[JobBackoff | undefined, number[]]>([
    [undefined, [1_000, 2_000, 4_000, 60_000]],
    [{}, [1_000, 2_000, 4_000, 60_000]],
    [{ base: '10s' }, [10_000, 20_000, 40_000, 60_000]],
    [{ cap: 2_500 }, [1_000, 2_000, 2_500, 2_500]],
    [{ base: 5, cap: 5 }, [5, 5, 5, 5]],
    [(attempt) => attempt * 10, [10, 20, 30, 400]],
    [(attempt) => `${attempt}s`, [1_000, 2_000, 3_000, 40_000]],
    [() => 0, [0, 0, 0, 0]],
    [() => 1.4, [1, 1, 1, 1]],
  ])('of %p', (backoff, expected) => {
    expect(waits(backoff)).toEqual(expected);
  });

  it('has jitter of its own', () => {
    const wait = retryWait({ jitter: true }, MODULE, quiet);
    const drawn = Array.from({ length: 100 }, () => wait(3, null));
    expect(Math.max(...drawn)).toBeLessThanOrEqual(4_000);
    expect(new Set(drawn).size).toBeGreaterThan(10);
  });

  it('hands the attempt and the error to a function', () => {
    const asked: unknown[] = [];
    const error = new RangeError('far');
    retryWait((...args) => asked.push(...args), MODULE, quiet)(2, error);
    expect(asked).toEqual([2, error]);
  });

  it.each<[string, () => unknown, string]>([
    ['throws', () => JSON.parse('{'), 'threw: '],
    ['returns nothing', () => undefined, 'returned undefined, which is no'],
    ['returns text', () => 'soon', 'returned "soon", which is no duration'],
    ['returns less than nothing', () => -1, 'returned -1'],
    ['returns too much', () => '25d', 'returned "25d"'],
    ['returns NaN', () => Number.NaN, 'returned NaN'],
    ['is async', async () => 5, 'returned Promise'],
  ])("takes the module's wait where a function %s", (_, backoff, problem) => {
    const told: string[] = [];
    const wait = retryWait(backoff as () => number, MODULE, (text) =>
      told.push(text),
    );
    expect(wait(2, null)).toBe(2_000);
    expect(told).toEqual([expect.stringContaining(problem)]);
  });

  it("refuses a base above the cap, were it the module's", () => {
    expect(() => retryWait({ base: '2m' }, MODULE, quiet)).toThrow(
      "backoff.cap (60000 ms) must not be less than backoff.base (120000 ms); one that is left out is the module's.",
    );
  });
});
