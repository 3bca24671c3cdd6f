import { InvalidJobError } from '../errors/kyu.errors.js';
import { messageOf } from '../runtime/describe-error.js';
import { parseDuration, type Duration } from '../runtime/duration.js';
import { showValue } from '../runtime/show-value.js';
import { backoffMs, type BackoffPolicy } from './backoff.js';

/**
 * The wait before a retry: base, 2 × base, 4 × base …, at most `cap`.
 *
 * @publicApi
 */
export interface KyuBackoffOptions {
  /** The first wait. @default '1s' */
  base?: Duration;
  /** No wait is longer. @default '1h' */
  cap?: Duration;
  /** Draw each wait evenly from 0 to its full length. @default false */
  jitter?: boolean;
}

/**
 * The waits between the retries of one job type: as in the module's options, of which those that are left out are taken, or a function of
 * the attempt that failed (1 for the first) and what it threw. A function that throws, or returns no duration of at most 24 days, is told of in the log, and
 * the module's wait is used.
 *
 * @publicApi
 */
export type JobBackoff =
  KyuBackoffOptions | ((attempt: number, error: unknown) => Duration);

/** Milliseconds until the retry after attempt number `attempt` (1 for the first). Never throws. */
export type RetryWait = (attempt: number, error: unknown) => number;

/** PostgreSQL `integer`; as milliseconds, 24 days. */
const MAX_MS = 2_147_483_647;

const FIELDS = ['base', 'cap', 'jitter'];

/** @throws {InvalidJobError} */
export function checkBackoff(backoff: unknown): void {
  if (backoff === undefined || typeof backoff === 'function') return;
  if (
    typeof backoff !== 'object' ||
    backoff === null ||
    Array.isArray(backoff) ||
    Object.keys(backoff).some((key) => !FIELDS.includes(key))
  )
    throw new InvalidJobError(
      `Expected backoff to be an object with ${FIELDS.join(', ')}, or a function of the attempt and the error, got: ${showValue(backoff)}.`,
    );
  const { base, cap, jitter } = backoff as Record<string, unknown>;
  checkWait('base', base);
  checkWait('cap', cap);
  if (jitter !== undefined && typeof jitter !== 'boolean')
    throw new InvalidJobError(
      `Expected backoff.jitter to be true or false, got: ${showValue(jitter)}.`,
    );
}

function checkWait(name: string, value: unknown): void {
  if (value !== undefined && !isWait(parseDuration(value), 1))
    throw new InvalidJobError(
      `Expected backoff.${name} to be milliseconds or a duration such as '10s', at least 1 ms and at most 24 days, got: ${showValue(value)}.`,
    );
}

const isWait = (ms: number | undefined, min: number): ms is number =>
  ms !== undefined && ms >= min && ms <= MAX_MS;

/**
 * The waits of one job type, on top of the module's.
 *
 * @param warn told when a function gave no wait that can be used.
 * @throws {InvalidJobError} for a base above the cap.
 */
export function retryWait(
  backoff: JobBackoff | undefined,
  module: BackoffPolicy,
  warn: (problem: string) => void,
): RetryWait {
  if (typeof backoff === 'function')
    return (attempt, error) =>
      ask(backoff, attempt, error, warn) ?? backoffMs(attempt, module);
  const policy = {
    baseMs: parseDuration(backoff?.base) ?? module.baseMs,
    capMs: parseDuration(backoff?.cap) ?? module.capMs,
    jitter: backoff?.jitter ?? module.jitter,
  };
  if (policy.capMs < policy.baseMs)
    throw new InvalidJobError(
      `backoff.cap (${policy.capMs} ms) must not be less than backoff.base (${policy.baseMs} ms); one that is left out is the module's.`,
    );
  return (attempt) => backoffMs(attempt, policy);
}

function ask(
  backoff: Extract<JobBackoff, (...args: never[]) => unknown>,
  attempt: number,
  error: unknown,
  warn: (problem: string) => void,
): number | undefined {
  try {
    const wait = backoff(attempt, error);
    const ms = parseDuration(wait);
    if (isWait(ms, 0)) return Math.round(ms);
    warn(`returned ${showValue(wait)}, which is no duration of up to 24 days`);
  } catch (thrown) {
    warn(`threw: ${messageOf(thrown)}`);
  }
  return undefined;
}
