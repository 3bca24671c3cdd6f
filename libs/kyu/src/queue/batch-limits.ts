import { InvalidJobError } from '../errors/kyu.errors.js';
import type { NewJob } from '../job/new-job.js';
import { showValue } from '../runtime/show-value.js';

/** More in one statement would hold its locks and its memory too long. */
const MAX_BATCH = 10_000;
/** One message to the server; V8 has no strings above half a gigabyte. */
const MAX_BATCH_BYTES = 64 * 1024 * 1024;

/** What `enqueueMany()` was given, before any of it is looked at. @throws {InvalidJobError} */
export function checkBatch(jobs: unknown): void {
  if (!Array.isArray(jobs))
    throw new InvalidJobError(
      `enqueueMany() takes an array of { type, payload }, got: ${showValue(jobs)}. Nothing was stored.`,
    );
  if (jobs.length > MAX_BATCH)
    throw new InvalidJobError(
      `enqueueMany() takes at most ${MAX_BATCH} jobs, got ${jobs.length}; call it several times. Nothing was stored.`,
    );
}

/** @throws {InvalidJobError} */
export function checkBatchBytes(jobs: readonly NewJob[]): void {
  const bytes = jobs.reduce(
    (sum, { payloadJson }) => sum + Buffer.byteLength(payloadJson),
    0,
  );
  if (bytes > MAX_BATCH_BYTES)
    throw new InvalidJobError(
      `The payloads of these ${jobs.length} jobs have ${bytes} bytes together, the limit is ${MAX_BATCH_BYTES}; call enqueueMany() several times. Nothing was stored.`,
    );
}
