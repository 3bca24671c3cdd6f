import { parseDuration } from '../runtime/duration.js';

/** What is wrong with a value, as the end of the sentence `expected "name" to be …`; undefined when it is right. */
export type Check = (value: unknown) => string | undefined;

/** Postgres `integer` and Node's longest timer alike end here. */
const MAX_MS = 2_147_483_647;

export const integer =
  (min: number, max: number): Check =>
  (value) =>
    Number.isInteger(value) && Number(value) >= min && Number(value) <= max
      ? undefined
      : `an integer from ${min} to ${max}`;

const TEN_YEARS_MS = 10 * 365 * 86_400_000;

/** A time to keep something, or false. */
export const age: Check = (value) => {
  const ms = parseDuration(value);
  return value === false || (ms !== undefined && ms <= TEN_YEARS_MS)
    ? undefined
    : "a duration such as '7d', at most ten years, or false for ever";
};

export const duration =
  (minMs: number): Check =>
  (value) => {
    const ms = parseDuration(value);
    return ms !== undefined && ms >= minMs && ms <= MAX_MS
      ? undefined
      : `milliseconds or a duration such as '10s' or '5m', at least ${minMs} ms and at most 24 days`;
  };

export const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    values.includes(value as string)
      ? undefined
      : `one of ${values.map((each) => `'${each}'`).join(', ')}`;

export const boolean: Check = (value) =>
  typeof value === 'boolean' ? undefined : 'true or false';

export const matching =
  (pattern: RegExp, inWords: string): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value) ? undefined : inWords;

export const url =
  (...schemes: readonly string[]): Check =>
  (value) => {
    const inWords = `a URL such as ${schemes[0]}//user:password@host:port`;
    if (typeof value !== 'string' || !URL.canParse(value)) return inWords;
    const { protocol, username, password } = new URL(value);
    try {
      decodeURIComponent(username + password);
    } catch {
      return `${inWords}; in it, write a % of the password as %25`;
    }
    return schemes.includes(protocol) ? undefined : inWords;
  };

export const object: Check = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? undefined
    : 'an object';

export const withMethods =
  (what: string, ...methods: readonly string[]): Check =>
  (value) =>
    object(value) === undefined &&
    methods.every(
      (method) =>
        typeof (value as Record<string, unknown>)[method] === 'function',
    )
      ? undefined
      : what;

export const interceptors: Check = (value) =>
  Array.isArray(value) &&
  value.every(
    (each) =>
      typeof each === 'function' ||
      typeof (each as { intercept?: unknown } | null)?.intercept === 'function',
  )
    ? undefined
    : 'an array of interceptor classes or instances';
