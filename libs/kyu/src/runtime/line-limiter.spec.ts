import { LineLimiter } from './line-limiter.js';

const leftOut = (limiter: LineLimiter, now: number): unknown[] =>
  limiter
    .takeLeftOut(now)
    .map(({ subject, counts }) => [subject, Object.fromEntries(counts)]);

describe('LineLimiter', () => {
  it('admits so many lines about a subject in a window, and counts the others by kind', () => {
    const limiter = new LineLimiter(2, 60);
    const admitted = ['a', 'a', 'b', 'a', 'b'].map((kind) =>
      limiter.admit('x', kind, 0),
    );
    expect(admitted).toEqual([true, true, false, false, false]);
    expect(leftOut(limiter, 59)).toEqual([]);
    expect(leftOut(limiter, 60)).toEqual([['x', { a: 1, b: 2 }]]);
    expect(leftOut(limiter, 120)).toEqual([]);
  });

  it('knows subjects apart, each with a window of its own', () => {
    const limiter = new LineLimiter(1, 60);
    expect(limiter.admit('x', 'a', 0)).toBe(true);
    expect(limiter.admit('y', 'a', 30)).toBe(true);
    expect(limiter.admit('x', 'a', 31)).toBe(false);
    expect(limiter.admit('y', 'a', 32)).toBe(false);
    expect(limiter.nextEnd).toBe(60);
    expect(leftOut(limiter, 60)).toEqual([['x', { a: 1 }]]);
    expect(limiter.nextEnd).toBe(90);
    expect(limiter.admit('x', 'a', 61)).toBe(true);
    expect(leftOut(limiter, 90)).toEqual([['y', { a: 1 }]]);
  });

  it('knows the most severe level of what was left out, and not of what was written', () => {
    const limiter = new LineLimiter(1, 60);
    for (const level of ['error', 'warn', 'debug'] as const)
      limiter.admit('x', 'a', 0, level);
    for (const level of ['warn', 'warn', 'error', 'log'] as const)
      limiter.admit('y', 'a', 0, level);
    expect(limiter.takeLeftOut(60).map(({ level }) => level)).toEqual([
      'warn',
      'error',
    ]);
  });

  it('keeps nothing of a subject whose window is over', () => {
    const limiter = new LineLimiter(1, 60);
    for (let i = 0; i < 1_000; i++) limiter.admit(`type ${i}`, 'a', i / 1_000);
    expect(leftOut(limiter, 61)).toEqual([]);
    expect(limiter.nextEnd).toBeUndefined();
  });
});
