import { InvalidJobError } from '../errors/kyu.errors.js';
import { findJsonLoss, pathOf } from '../job/json-losses.js';
import { messageOf } from '../runtime/describe-error.js';
import type { TraceCarrier } from './job-tracer.js';

/** It is written, read and sent with every job: room for ids, not for the things they stand for. */
export const MAX_CONTEXT_BYTES = 4 * 1024;

/** What the column `context` holds, taken apart. */
export interface StoredContext {
  user?: unknown;
  trace?: TraceCarrier;
}

/**
 * The JSON text of what the application captured; undefined for nothing.
 *
 * @throws {InvalidJobError} if it has none, one of more than 4 KiB, or one that is empty where the
 *   captured value is not (a `Map`, a `Promise`).
 */
export function encodeUserContext(captured: unknown): string | undefined {
  let json: string | undefined;
  try {
    json = JSON.stringify(captured);
  } catch (error) {
    throw new InvalidJobError(
      `What context.capture() returned cannot be written as JSON (${messageOf(error).split('\n')[0]}); return plain data. Nothing was stored.`,
      { cause: error },
    );
  }
  if (json === undefined) return undefined;
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_CONTEXT_BYTES)
    throw new InvalidJobError(
      `What context.capture() returned has ${bytes} bytes of JSON, the limit is ${MAX_CONTEXT_BYTES}; capture ids, not what they stand for. Nothing was stored.`,
    );
  const lost = findJsonLoss(captured);
  if (lost)
    throw new InvalidJobError(
      `What context.capture() returned cannot travel: ${pathOf('context', lost)} is ${lost.what}. Nothing was stored.`,
    );
  return json;
}

/** Baggage may be of any size, and a trace is not worth failing a job for: what is too large is cut down to where it came from. */
function encodeTrace(trace: TraceCarrier): string {
  const json = JSON.stringify(trace);
  if (Buffer.byteLength(json) <= MAX_CONTEXT_BYTES) return json;
  const { traceparent } = trace;
  return JSON.stringify({ traceparent });
}

/** The text of the column; undefined, and so null in the table, when nothing travels. */
export function encodeContext(
  userJson: string | undefined,
  trace: TraceCarrier | undefined,
): string | undefined {
  const parts = [
    ...(userJson === undefined ? [] : [`"user":${userJson}`]),
    ...(trace === undefined ? [] : [`"trace":${encodeTrace(trace)}`]),
  ];
  return parts.length === 0 ? undefined : `{${parts.join(',')}}`;
}

/** Never throws for what is JSON: a row that somebody wrote by hand has no context rather than no run. */
export function decodeContext(json: string | null): StoredContext {
  const stored: unknown = json === null ? null : JSON.parse(json);
  if (!isObject(stored)) return {};
  const { user, trace } = stored;
  return { user, ...(isObject(trace) && { trace: onlyText(trace) }) };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const onlyText = (values: Record<string, unknown>): TraceCarrier =>
  Object.fromEntries(
    Object.entries(values).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );
