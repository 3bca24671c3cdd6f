import { inspect, types } from 'node:util';
import type { Job, JobDefinition, QueueService } from '@kyu/nestjs';
import { didYouMean } from '@kyu/nestjs/testing-internals';
import type { InputOf, JobType } from './call-options.js';
import { differences, type Difference } from './matching.js';
import { testbedOf } from './testing-queue.js';

/** Between the clock of the test and the one that wrote the time. */
const RUN_AT_TOLERANCE_MS = 1_000;

type Part<T> = T extends Date
  ? T | string
  : T extends readonly (infer Item)[]
    ? readonly Part<Item>[]
    : T extends object
      ? { [Key in keyof T]?: Part<T[Key]> }
      : T;

type PayloadOf<Type extends JobType> =
  Type extends JobDefinition<infer Payload, unknown, never>
    ? Payload
    : InputOf<Type>;

/**
 * Which jobs {@link expectEnqueued} looks for.
 *
 * @publicApi
 */
export interface EnqueuedExpectation<Payload> {
  /**
   * The fields that the payload has, from JSON, among others; `expect.any(String)` and its like may stand for values. Or whether a job is meant. @default any
   */
  where?: Part<Payload> | ((payload: Payload, job: Job) => boolean);
  /** So many, no more and no fewer; 0: none. @default at least one */
  count?: number;
  /** When they were first to run, within a second, whatever retries came; or whether that time is meant. @default any */
  runAt?: Date | ((at: Date) => boolean);
}

/**
 * A job that a test expected was not enqueued, or others were.
 *
 * @publicApi
 */
export class EnqueuedExpectationError extends Error {
  override readonly name = 'EnqueuedExpectationError';

  constructor(
    message: string,
    /** For runners that show a difference. */
    readonly expected: unknown,
    readonly actual: unknown,
  ) {
    super(message);
  }
}

/**
 * Expects that jobs of a type were enqueued in a queue, whatever has become of them since; in all modes. In a transaction, they are once it has committed.
 *
 * @param type what `defineJob()` made, or a name.
 * @returns the jobs that match, the oldest first.
 * @throws {EnqueuedExpectationError} that shows the job which comes nearest, or what else was enqueued.
 * @publicApi
 */
export async function expectEnqueued<Type extends JobType>(
  queue: QueueService,
  type: Type,
  expectation: EnqueuedExpectation<PayloadOf<Type>> = {},
): Promise<Job[]> {
  const belongsTo = typeof type === 'string' ? undefined : type.queue;
  const name = typeof type === 'string' ? type : type.name;
  const testbed = testbedOf(queue);
  const jobs = await testbed.jobs();
  const candidates = jobs.filter(({ jobType }) => jobType === name);
  const compared = candidates.map((job) => {
    const dueAt = testbed.firstDueAt(job);
    const wanted = expectation as EnqueuedExpectation<unknown>;
    return { job, dueAt, found: compare(job, dueAt, wanted) };
  });
  const matching = compared.filter(({ found }) => found.length === 0);
  const { count } = expectation;
  if (count === undefined ? matching.length > 0 : matching.length === count)
    return matching.map(({ job }) => job);
  const wanted = describe(name, expectation);
  const found =
    matching.length > 0
      ? `there are ${matching.length}:\n${matching.map(({ job }) => `  ${show(job)}`).join('\n')}${nearestToo(compared, count!)}`
      : candidates.length > 0
        ? `of ${candidates.length} enqueued, none is. The nearest is ${nearest(compared)}`
        : others(name, jobs) + elsewhere(belongsTo, testbed.parts.config.name);
  throw new EnqueuedExpectationError(
    `Expected ${count ?? 'at least one'} ${wanted}; ${found}`,
    expectation,
    compared.map(({ job: { payload }, dueAt: runAt }) => ({ payload, runAt })),
  );
}

interface Compared {
  job: Job;
  dueAt: Date;
  found: readonly Difference[];
}

function compare(
  job: Job,
  dueAt: Date,
  { where, runAt }: EnqueuedExpectation<unknown>,
): Difference[] {
  const { payload } = job;
  const found: Difference[] = [];
  if (typeof where === 'function')
    found.push(
      ...judged(
        'payload',
        where as (payload: unknown, job: Job) => boolean,
        payload,
        job,
      ),
    );
  else if (where !== undefined)
    found.push(...differences(where, payload, 'payload'));
  if (typeof runAt === 'function') found.push(...judged('runAt', runAt, dueAt));
  else if (
    runAt &&
    Math.abs(runAt.getTime() - dueAt.getTime()) > RUN_AT_TOLERANCE_MS
  )
    found.push({ path: 'runAt', expected: runAt, actual: dueAt });
  return found;
}

/** What a function of the test says of a value. One that throws is often told of a payload that it does not expect, and that is a difference. */
function judged<Value, Rest extends unknown[]>(
  path: string,
  expected: (value: Value, ...rest: Rest) => boolean,
  actual: Value,
  ...rest: Rest
): Difference[] {
  try {
    return expected(actual, ...rest) ? [] : [{ path, expected, actual }];
  } catch (thrown) {
    return [{ path, expected, actual, thrown: String(thrown) }];
  }
}

function nearest(compared: readonly Compared[]): string {
  const [best] = compared.toSorted((a, b) => a.found.length - b.found.length);
  const lines = best!.found.map(
    ({ path, expected, actual, thrown }) =>
      `  ${path}: expected ${text(expected)}, got ${text(actual)}${thrown === undefined ? '' : `, for which it threw ${thrown}`}`,
  );
  return `${best!.job.id} (${best!.job.status}):\n${lines.join('\n')}`;
}

/** Why there are fewer than wanted, if others might have been meant. */
function nearestToo(compared: readonly Compared[], wanted: number): string {
  const misses = compared.filter(({ found }) => found.length > 0);
  return compared.length - misses.length < wanted && misses.length > 0
    ? `\nOf ${misses.length} more, the nearest is ${nearest(misses)}`
    : '';
}

function others(name: string, jobs: readonly Job[]): string {
  if (jobs.length === 0) return 'nothing was enqueued in this queue.';
  const counts = new Map<string, number>();
  for (const { jobType } of jobs)
    counts.set(jobType, (counts.get(jobType) ?? 0) + 1);
  const list = [...counts].map(([type, count]) => `"${type}" (${count})`);
  const meant = didYouMean(name, [...counts.keys()]);
  return `none of this type was enqueued in this queue, but ${list.join(', ')}.${meant === undefined ? '' : ` Did you mean "${meant}"?`}`;
}

const elsewhere = (
  belongsTo: string | undefined,
  here: string | undefined,
): string =>
  belongsTo === undefined || belongsTo === here
    ? ''
    : ` Jobs of this type belong to the queue '${belongsTo}': pass app.get(getQueueToken('${belongsTo}')).`;

function describe<Payload>(
  name: string,
  { where, runAt }: EnqueuedExpectation<Payload>,
): string {
  const parts = [`job of the type "${name}"`];
  if (typeof where === 'function') parts.push('for which "where" is true');
  else if (where !== undefined) parts.push(`with ${text(where)}`);
  if (types.isDate(runAt)) parts.push(`due at ${runAt.toISOString()}`);
  else if (runAt) parts.push('for whose time "runAt" is true');
  return parts.join(' ');
}

const show = ({ id, status, payload }: Job): string =>
  `${id} (${status}) ${text(payload)}`;

const text = (value: unknown): string =>
  typeof value === 'function'
    ? 'that the function returns true'
    : inspect(value, { depth: 4, breakLength: Infinity, maxStringLength: 200 });
