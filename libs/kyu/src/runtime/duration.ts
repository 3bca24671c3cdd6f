const UNITS = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * A length of time: milliseconds as a number, or a string such as `'250ms'`, `'10s'`, `'5m'`, `'2h'`,
 * `'1d'`. A string that comes from outside, an environment variable for example, is checked when it
 * is used: `process.env.TIMEOUT as Duration`.
 *
 * @publicApi
 */
export type Duration = number | `${number}${keyof typeof UNITS}`;

/** Milliseconds of a duration, or undefined when it is none (negative, not finite, unknown unit). */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number')
    return Number.isFinite(value) && value >= 0 ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const match = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*$/.exec(value);
  if (!match) return undefined;
  const ms = Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
  return Number.isFinite(ms) ? ms : undefined;
}
