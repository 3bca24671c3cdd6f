import { isUuid, uuidV7 } from './uuid-v7.js';

const parts = (id: string): { ms: number; counter: number } => ({
  ms: Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16),
  counter: Number.parseInt(id.slice(15, 18), 16),
});

/** The generator remembers its latest time, so each test works in a later one than the tests before. */
let clock = Date.now();
const laterMs = (): number => (clock += 1_000_000);

const take = (count: number, now: number): string[] =>
  Array.from({ length: count }, () => uuidV7(now));

const inOrder = (ids: readonly string[]): boolean =>
  ids.every((id, i) => i === 0 || ids[i - 1]! < id);

describe('uuidV7', () => {
  it('without an argument carries the time of the clock', () => {
    const before = Date.now();
    const { ms } = parts(uuidV7());
    expect(ms).toBeGreaterThanOrEqual(before);
    expect(ms).toBeLessThanOrEqual(Date.now());
  });

  it('has the version 7 and the variant 10 of RFC 9562, always', () => {
    for (const id of take(2_000, laterMs()))
      expect(id).toMatch(
        /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      );
  });

  it('carries the milliseconds in its first 48 bits', () => {
    const now = laterMs();
    expect(parts(uuidV7(now))).toEqual({ ms: now, counter: 0 });
  });

  it('pads a counter and keeps the width', () => {
    const ids = take(20, laterMs());
    expect(ids.map((id) => id.length)).toEqual(Array(20).fill(36));
    expect(ids.map((id) => parts(id).counter)).toEqual([...Array(20).keys()]);
  });

  it('makes 100 000 ids that are unique and sorted as text', () => {
    const now = laterMs();
    const ids = Array.from({ length: 100_000 }, (_, i) =>
      uuidV7(now + Math.floor(i / 5_000)),
    );
    expect(new Set(ids).size).toBe(100_000);
    expect(inOrder(ids)).toBe(true);
    expect(ids.toSorted()).toEqual(ids);
  });

  it('fills one millisecond with 4096 ids, and takes the next one for the 4097th', () => {
    const now = laterMs();
    const ids = take(4_097, now);
    expect(parts(ids[4_095]!)).toEqual({ ms: now, counter: 0xfff });
    expect(parts(ids[4_096]!)).toEqual({ ms: now + 1, counter: 0 });
    expect(inOrder(ids)).toBe(true);
  });

  it('goes on in order when the clock steps back', () => {
    const now = laterMs();
    const before = uuidV7(now);
    const after = take(5_000, now - 3_600_000);
    expect(parts(after[0]!)).toEqual({ ms: now, counter: 1 });
    expect(inOrder([before, ...after])).toBe(true);
    expect(new Set(after).size).toBe(5_000);
  });

  it('returns to the clock when the clock has caught up', () => {
    const now = laterMs();
    take(4_097, now); // runs 1 ms ahead
    expect(parts(uuidV7(now + 1)).ms).toBe(now + 1);
    expect(parts(uuidV7(now + 2))).toEqual({ ms: now + 2, counter: 0 });
  });

  it('draws new random bits for each id, also when the pool is drawn anew', () => {
    const tails = take(1_000, laterMs()).map((id) => id.slice(19));
    expect(new Set(tails).size).toBe(1_000);
  });

  it('uses all of the random bits', () => {
    const seen = new Set<string>();
    for (const id of take(2_000, laterMs()))
      for (const [i, digit] of id.slice(20).split('').entries())
        if (digit !== '-') seen.add(`${i}${digit}`);
    expect(seen.size).toBe(15 * 16); // each hexadecimal digit at each place
  });
});

describe('isUuid', () => {
  it.each([
    '00000000-0000-0000-0000-000000000000',
    '01890A5D-AC96-774B-BCCE-B302099A8057',
    uuidV7(),
  ])('accepts %s', (text) => {
    expect(isUuid(text)).toBe(true);
  });

  it.each<[unknown]>([
    [''],
    ['1'],
    ['01890a5dac96774bbcceb302099a8057'],
    ['{01890a5d-ac96-774b-bcce-b302099a8057}'],
    ['01890a5d-ac96-774b-bcce-b302099a805'],
    ['01890a5d-ac96-774b-bcce-b302099a80577'],
    ['01890a5d-ac96-774b-bcce-b302099a805g'],
    [' 01890a5d-ac96-774b-bcce-b302099a8057'],
    ['01890a5d-ac96-774b-bcce-b302099a8057\n'],
    ["'; DROP TABLE kyu_jobs; --"],
    [null],
    [undefined],
    [7],
    [['01890a5d-ac96-774b-bcce-b302099a8057']],
  ])('refuses %j', (value) => {
    expect(isUuid(value)).toBe(false);
  });
});
