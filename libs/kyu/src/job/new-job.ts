import { types } from 'node:util';
import { InvalidJobError } from '../errors/kyu.errors.js';
import { parseDuration, type Duration } from '../runtime/duration.js';
import { storableText } from '../runtime/text.js';
import { showValue } from '../runtime/show-value.js';
import { uuidV7 } from '../runtime/uuid-v7.js';
import { checkBackoff, type JobBackoff } from './job-backoff.js';
import { encodePayload } from './json-limits.js';

/** Type names are identifiers and metric labels, not text. */
export const MAX_TYPE_BYTES = 128;
/** PostgreSQL's times begin in 4713 BC, JavaScript's long before; no job is meant for either. */
const FIRST_TIME = Date.parse('0001-01-01T00:00:00Z');
/** PostgreSQL `integer`. */
export const MAX_INTEGER = 2_147_483_647;

/**
 * How one job is enqueued. What is left out comes from `@JobHandler(type, options)` if this process has the handler, else
 * from the module's options.
 *
 * @publicApi
 */
export interface EnqueueOptions {
  /** Higher starts first. An integer. @default 0 */
  priority?: number;
  /** Retries after the first failure; 0 means one try. @default 3 */
  maxRetries?: number;
  /** Not before this time, by the clock of the database; a time in the past means now. @default now */
  scheduledAt?: Date;
  /** How long one run may take. @default '30s' */
  timeout?: Duration;
}

/**
 * What a definition or a handler may set for every job of its type.
 *
 * @publicApi
 */
export interface JobDefaults extends Pick<
  EnqueueOptions,
  'priority' | 'maxRetries' | 'timeout'
> {
  /** Waits between the retries. Of the process that runs the job: it is not stored with it. @default the module's */
  backoff?: JobBackoff;
}

/** A job ready to be inserted. */
export interface NewJob {
  id: string;
  jobType: string;
  payloadJson: string;
  priority: number;
  maxRetries: number;
  timeoutMs: number;
  scheduledAt: Date | null;
  /** What travels with it, as JSON; usually nothing. */
  contextJson?: string;
}

/**
 * @param id a new one; by default of the clock of this process.
 * @throws {InvalidJobError} that says what is wrong with which value.
 */
export function newJob(
  jobType: string,
  payload: unknown,
  options: EnqueueOptions,
  defaults: Required<Omit<JobDefaults, 'backoff'>>,
  id: string = uuidV7(),
): NewJob {
  checkJobType(jobType);
  checkKnown(options);
  const priority = options.priority ?? defaults.priority;
  const maxRetries = options.maxRetries ?? defaults.maxRetries;
  checkInteger('priority', priority, -MAX_INTEGER, MAX_INTEGER);
  checkInteger('maxRetries', maxRetries, 0, MAX_INTEGER);
  return {
    id,
    jobType,
    payloadJson: encodePayload(payload),
    priority,
    maxRetries,
    timeoutMs: checkTimeout(options.timeout ?? defaults.timeout),
    scheduledAt: checkScheduledAt(options.scheduledAt),
  };
}

/** @throws {InvalidJobError} */
export function checkJobType(jobType: unknown): asserts jobType is string {
  if (typeof jobType !== 'string' || jobType === '')
    throw new InvalidJobError(
      `Expected the job type to be a non-empty string, got: ${showValue(jobType)}.`,
    );
  if (Buffer.byteLength(jobType) > MAX_TYPE_BYTES)
    throw new InvalidJobError(
      `The job type "${jobType.slice(0, 32)}…" has ${Buffer.byteLength(jobType)} bytes, the limit is ${MAX_TYPE_BYTES}.`,
    );
  if (storableText(jobType) !== jobType)
    throw new InvalidJobError(
      'The job type holds a NUL or half a surrogate pair; PostgreSQL cannot store it.',
    );
}

const KNOWN_OPTIONS = new Set([
  'priority',
  'maxRetries',
  'scheduledAt',
  'timeout',
]);

function checkKnown(options: EnqueueOptions): void {
  if (
    typeof options !== 'object' ||
    options === null ||
    Array.isArray(options) ||
    types.isDate(options)
  )
    throw new InvalidJobError(
      `Expected the options to be an object such as { priority: 1 }, got: ${showValue(options)}.`,
    );
  for (const key of Object.keys(options))
    if (!KNOWN_OPTIONS.has(key))
      throw new InvalidJobError(
        `Unknown enqueue option "${key}"; there are ${[...KNOWN_OPTIONS].join(', ')}; and manager or client, for a whole call.`,
      );
}

function checkInteger(
  name: string,
  value: unknown,
  min: number,
  max: number,
): void {
  if (!Number.isInteger(value) || Number(value) < min || Number(value) > max)
    throw new InvalidJobError(
      `Expected ${name} to be an integer from ${min} to ${max}, got: ${showValue(value)}.`,
    );
}

/** The defaults of a handler. @throws {InvalidJobError} */
export function checkDefaults({
  priority = 0,
  maxRetries = 0,
  timeout = 1,
  backoff,
}: JobDefaults): void {
  checkInteger('priority', priority, -MAX_INTEGER, MAX_INTEGER);
  checkInteger('maxRetries', maxRetries, 0, MAX_INTEGER);
  checkTimeout(timeout);
  checkBackoff(backoff);
}

/** @throws {InvalidJobError} */
export function checkTimeout(timeout: Duration): number {
  const ms = parseDuration(timeout);
  if (ms === undefined || ms < 1 || ms > MAX_INTEGER)
    throw new InvalidJobError(
      `Expected timeout to be milliseconds or a duration such as '10s', at least 1 ms and at most 24 days, got: ${showValue(timeout)}.`,
    );
  return Math.round(ms);
}

function checkScheduledAt(value: Date | undefined): Date | null {
  if (value === undefined) return null;
  // Not `instanceof`: a Date of another realm (a vm context, Jest's) is one too.
  if (!types.isDate(value))
    throw new InvalidJobError(
      `Expected scheduledAt to be a Date, got: ${showValue(value)}.`,
    );
  if (Number.isNaN(value.getTime()))
    throw new InvalidJobError('scheduledAt is an invalid Date.');
  if (value.getTime() < FIRST_TIME)
    throw new InvalidJobError(
      `scheduledAt is before the year 1 (${value.toISOString()}); is it what was meant?`,
    );
  return new Date(value.getTime()); // of this realm, and not the caller's to change
}
