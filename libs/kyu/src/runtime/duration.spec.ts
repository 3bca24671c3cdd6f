import { parseDuration } from './duration.js';

describe('parseDuration', () => {
  it.each<[unknown, number]>([
    [0, 0],
    [250, 250],
    [0.5, 0.5],
    [Number.MAX_VALUE, Number.MAX_VALUE],
    ['0s', 0],
    ['250ms', 250],
    ['10s', 10_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['1.5s', 1_500],
    ['0.25h', 900_000],
    [' 10 s ', 10_000],
    ['007ms', 7],
  ])('%j is %d ms', (value, expected) => {
    expect(parseDuration(value)).toBe(expected);
  });

  it.each<[unknown]>([
    [-1],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [''],
    ['10'],
    ['s'],
    ['-10s'],
    ['+10s'],
    ['.5s'],
    ['1.s'],
    ['1e3s'],
    ['1,5s'],
    ['10S'],
    ['10sec'],
    ['1h30m'],
    ['10s\n20s'],
    ['0x10ms'],
    ['١s'], // a digit, but not of ours
    ['1__proto__'],
    [null],
    [undefined],
    [true],
    [10n],
    [[10]],
    [{ ms: 10 }],
    [new Date(0)],
  ])('%p is no duration', (value) => {
    expect(parseDuration(value)).toBeUndefined();
  });

  it('is linear in the length of the text', () => {
    const long = `${' '.repeat(50_000)}1${' '.repeat(50_000)}x`;
    const start = performance.now();
    expect(parseDuration(long)).toBeUndefined();
    expect(performance.now() - start).toBeLessThan(250);
  });

  it('too long for a number is none, as a number that is not finite is none', () => {
    expect(parseDuration(`${'9'.repeat(400)}s`)).toBeUndefined();
    expect(parseDuration(`${Number.MAX_VALUE.toFixed(0)}d`)).toBeUndefined();
  });
});
