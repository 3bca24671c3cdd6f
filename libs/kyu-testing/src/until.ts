/** Between two looks. */
const PAUSE_MS = 20;

/**
 * Asks again and again until the answer is truthy, and returns it: for what no event tells, such as a row that another process writes.
 *
 * @param what for the error message: `'the job to be dead'`.
 * @param timeoutMs milliseconds. @default 10000
 * @throws when it did not become true in time; what `ask` threw last is the cause.
 * @publicApi
 */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  timeoutMs = 10_000,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer) return answer;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline)
      throw new Error(`Waited ${timeoutMs} ms in vain for ${what}.`, { cause });
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
