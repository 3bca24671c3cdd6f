/**
 * An array parameter as PostgreSQL reads it, of values that hold no character that means something there: UUIDs, integers, names of states. The driver
 * writes any array, and searches each of its elements for quotes and backslashes; that was a tenth of what a worker spends on a job.
 */
export function plainArray(values: readonly (string | number)[]): string;
export function plainArray<T>(
  items: readonly T[],
  valueOf: (item: T) => string | number,
): string;
export function plainArray<T>(
  items: readonly T[],
  valueOf = (item: T): unknown => item,
): string {
  return `{${items.map(valueOf).join(',')}}`;
}

/** A column, or one null for all of it: `unnest` fills up with nulls, and nobody writes and reads five hundred of them. */
export const unlessNull = <T>(column: readonly (T | null)[]) =>
  column.some((value) => value !== null) ? column : null;
