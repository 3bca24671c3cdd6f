/** Counts how often calls of these methods reject, from now on. */
export function countFailures<T extends object>(
  object: T,
  ...methods: (keyof T)[]
): () => number {
  let failures = 0;
  for (const method of methods) {
    const original = object[method] as (...args: unknown[]) => Promise<unknown>;
    const counted = (...args: unknown[]): Promise<unknown> =>
      original.apply(object, args).catch((error: unknown) => {
        failures++;
        throw error;
      });
    Object.assign(object, { [method]: counted });
  }
  return () => failures;
}
