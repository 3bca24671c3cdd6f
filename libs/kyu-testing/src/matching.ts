/** A difference, with where it is: `payload.to: expected 'a', got 'b'`. */
export interface Difference {
  path: string;
  expected: unknown;
  actual: unknown;
  /** What the function threw that was expected to return true. */
  thrown?: string;
}

/** `expect.any(String)` and its like, of Jest and Vitest. */
interface AsymmetricMatcher {
  asymmetricMatch(actual: unknown): boolean;
}

const isMatcher = (value: object): value is AsymmetricMatcher =>
  'asymmetricMatch' in value && typeof value.asymmetricMatch === 'function';

/**
 * Where `actual`, which came from JSON, is not what is wanted: objects may have more fields than those asked for, arrays have as many items. What would be
 * written as something else in JSON, a Date, counts as that.
 */
export function differences(
  wanted: unknown,
  actual: unknown,
  path: string,
): Difference[] {
  if (typeof wanted !== 'object' || wanted === null)
    return Object.is(wanted, actual)
      ? []
      : [{ path, expected: wanted, actual }];
  if (isMatcher(wanted))
    return wanted.asymmetricMatch(actual)
      ? []
      : [{ path, expected: wanted, actual }];
  if ('toJSON' in wanted && typeof wanted.toJSON === 'function')
    return differences(
      (wanted as { toJSON(): unknown }).toJSON(),
      actual,
      path,
    );
  const differs = [{ path, expected: wanted, actual }];
  if (typeof actual !== 'object' || actual === null) return differs;
  if (Array.isArray(wanted) !== Array.isArray(actual)) return differs;
  if (Array.isArray(wanted) && wanted.length !== (actual as unknown[]).length)
    return differs;
  return Object.entries(wanted).flatMap(([key, value]) =>
    differences(
      value,
      // Own fields only: a payload is data.
      Object.hasOwn(actual, key)
        ? (actual as Record<string, unknown>)[key]
        : undefined,
      Array.isArray(wanted) ? `${path}[${key}]` : `${path}.${key}`,
    ),
  );
}
