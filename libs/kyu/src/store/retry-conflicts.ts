import { setTimeout as sleep } from 'node:timers/promises';
import { asConflict, isConflict } from './postgres-errors.js';

/** They take about two seconds. */
const TRIES = 10;
/** Doubled from the first to the last, with jitter, so that two that met do not meet again. */
const WAIT_MS = { first: 5, last: 1_000 };

/**
 * Repeats a statement that PostgreSQL gave up because of another transaction: a deadlock, or a
 * serialization failure in a session with a stricter isolation. Nothing of such a statement took
 * effect, so it is safe to repeat.
 *
 * @param failure of the first try; thrown if it was anything else.
 * @throws {TransactionConflictError} after the last try.
 */
export async function retryConflicts<T>(
  failure: unknown,
  work: () => Promise<T>,
): Promise<T> {
  let failed = failure;
  let waitMs = WAIT_MS.first;
  for (let tries = 1; tries < TRIES; tries++) {
    if (!isConflict(failed)) throw failed;
    await sleep(waitMs * (0.5 + Math.random() / 2));
    waitMs = Math.min(waitMs * 2, WAIT_MS.last);
    try {
      return await work();
    } catch (error) {
      failed = error;
    }
  }
  throw isConflict(failed) ? asConflict(failed, 'statement') : failed;
}
