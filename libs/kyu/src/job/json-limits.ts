import { InvalidJobError } from '../errors/kyu.errors.js';
import { messageOf } from '../runtime/describe-error.js';
import { findJsonLoss, pathOf } from './json-losses.js';

/** A payload is a letter, not a parcel: put large data in a store of its own and its key in the payload. */
export const MAX_PAYLOAD_BYTES = 1024 * 1024;
/** The result is kept for people to look at; it is not a data store. */
export const MAX_RESULT_BYTES = 64 * 1024;

/**
 * The JSON text of a payload.
 *
 * @throws {InvalidJobError} if it has none, one of more than 1 MiB, or one that is empty where the
 *   payload is not (a `Map`, a `Promise`, NaN).
 */
export function encodePayload(payload: unknown): string {
  const problem = (text: string, cause?: unknown): InvalidJobError =>
    new InvalidJobError(
      `The payload ${text}. Nothing was stored.`,
      cause === undefined ? undefined : { cause },
    );
  let json: string | undefined;
  try {
    json = JSON.stringify(payload);
  } catch (error) {
    throw problem(
      `cannot be written as JSON (${messageOf(error).split('\n')[0]}); ` +
        'pass plain data: no BigInt, no cycles',
      error,
    );
  }
  if (json === undefined)
    throw problem(
      `is ${payload === undefined ? 'undefined' : `a ${typeof payload}`}, which JSON cannot hold; pass null, a string or an object`,
    );
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_PAYLOAD_BYTES)
    throw problem(
      `has ${bytes} bytes of JSON, the limit is ${MAX_PAYLOAD_BYTES}; store the data elsewhere and pass its key`,
    );
  const lost = findJsonLoss(payload);
  if (lost)
    throw new InvalidJobError(
      `${pathOf('payload', lost)} is ${lost.what}. Nothing was stored.`,
    );
  return json;
}

/**
 * The JSON text of a handler's result; null when there is none, or when it cannot be kept whole
 * (cyclic, BigInt, a `Map` in it, more than 64 KiB). The work is done by then, so a result that
 * cannot be kept must not fail the job.
 */
export function encodeResult(result: unknown): {
  json: string | null;
  dropped?: string;
} {
  if (result === undefined || result === null) return { json: null };
  try {
    const json = JSON.stringify(result) as string | undefined;
    if (json === undefined)
      return { json: null, dropped: `it is a ${typeof result}` };
    const bytes = Buffer.byteLength(json);
    if (bytes > MAX_RESULT_BYTES)
      return {
        json: null,
        dropped: `it has ${bytes} bytes, the limit is ${MAX_RESULT_BYTES}`,
      };
    const lost = findJsonLoss(result);
    return lost
      ? { json: null, dropped: `${pathOf('result', lost)} is ${lost.what}` }
      : { json };
  } catch (error) {
    return {
      json: null,
      dropped: messageOf(error),
    };
  }
}
