import { formatMs } from './format-ms.js';

it.each([
  [0, '0 ms'],
  [740.4, '740 ms'],
  [1_000, '1 s'],
  [1_540, '1.5 s'],
  [59_000, '59 s'],
  [90_000, '1.5 min'],
  [3_600_000, '1 h'],
  [36 * 3_600_000, '1.5 d'],
])('formatMs(%d) is %s', (ms, text) => {
  expect(formatMs(ms)).toBe(text);
});
