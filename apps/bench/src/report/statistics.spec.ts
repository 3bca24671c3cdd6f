import { median, percentile } from './statistics.js';

describe('statistics', () => {
  it('takes the middle one, or the middle of the two', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([7])).toBe(7);
  });

  it('interpolates between the nearest', () => {
    const values = Array.from({ length: 101 }, (_, i) => i);
    expect(percentile(values, 0.99)).toBe(99);
    expect(percentile([0, 10], 0.25)).toBe(2.5);
    expect(percentile([3, 1, 2], 1)).toBe(3);
  });

  it('leaves its argument as it is', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  it('has no median of nothing', () => {
    expect(() => median([])).toThrow('no values');
  });
});
