import {
  InvalidJobError,
  KyuError,
  type EnqueueOptions,
  type JobToEnqueue,
} from '@kyu/nestjs';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

/** An application that only enqueues: what it stores stays as it was stored. */
let kyu: TestKyu;
beforeEach(async () => {
  kyu = await startKyu({ options: { mode: 'producer' } });
});

const rows = async (): Promise<number> =>
  Number((await kyu.sql('SELECT count(*) FROM jobs'))[0]!.count);

async function refusal(call: () => unknown): Promise<KyuError> {
  try {
    await call();
  } catch (error) {
    if (error instanceof KyuError) return error;
    throw error;
  }
  throw new Error('It was accepted.');
}

const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;

describe('enqueue() of what is no job', () => {
  it.each<[string, unknown, unknown, object, string]>([
    ['an empty type', '', null, {}, 'job type to be a non-empty string'],
    [
      'a type that is no text',
      7,
      null,
      {},
      'job type to be a non-empty string',
    ],
    ['a type with a NUL', 'a\0', null, {}, 'PostgreSQL cannot store it'],
    ['a type of 129 bytes', 'x'.repeat(129), null, {}, 'the limit is 128'],
    [
      'an undefined payload',
      'mail',
      undefined,
      {},
      'pass null, a string or an object',
    ],
    [
      'a payload that is a function',
      'mail',
      () => 1,
      {},
      'pass null, a string or an object',
    ],
    ['a cyclic payload', 'mail', cyclic, {}, 'no BigInt, no cycles'],
    ['a BigInt', 'mail', 1n, {}, 'no BigInt, no cycles'],
    ['a BigInt inside', 'mail', { a: [1n] }, {}, 'no BigInt, no cycles'],
    [
      'a payload that is too large',
      'mail',
      'x'.repeat(1_048_575),
      {},
      'store the data elsewhere and pass its key',
    ],
    [
      'a priority of 1.5',
      'mail',
      null,
      { priority: 1.5 },
      'priority to be an integer',
    ],
    [
      'a priority of NaN',
      'mail',
      null,
      { priority: Number.NaN },
      'priority to be an integer',
    ],
    [
      'an infinite priority',
      'mail',
      null,
      { priority: Infinity },
      'priority to be an integer',
    ],
    [
      'a priority beyond 32 bits',
      'mail',
      null,
      { priority: 2 ** 31 },
      'priority to be an integer',
    ],
    [
      'a priority as text',
      'mail',
      null,
      { priority: '9' },
      'priority to be an integer',
    ],
    [
      'negative retries',
      'mail',
      null,
      { maxRetries: -1 },
      'maxRetries to be an integer',
    ],
    [
      'a timeout of 0',
      'mail',
      null,
      { timeout: 0 },
      'timeout to be milliseconds or a duration',
    ],
    [
      'a timeout of a month',
      'mail',
      null,
      { timeout: '30d' },
      'at most 24 days',
    ],
    [
      'an invalid date',
      'mail',
      null,
      { scheduledAt: new Date('soon') },
      'invalid Date',
    ],
    [
      'a date before the year 1',
      'mail',
      null,
      { scheduledAt: new Date(-8.64e15) },
      'before the year 1',
    ],
    [
      'a date as text',
      'mail',
      null,
      { scheduledAt: '2030-01-01' },
      'to be a Date',
    ],
    [
      'an unknown option',
      'mail',
      null,
      { delay: 5 },
      'Unknown enqueue option "delay"',
    ],
  ])('%s', async (_, type, payload, options, part) => {
    const error = await refusal(() =>
      kyu.queue.enqueue(type as string, payload, options as EnqueueOptions),
    );
    expect(error).toBeInstanceOf(InvalidJobError);
    expect(error.code).toBe('KYU_INVALID_JOB');
    expect(error.message).toContain(part);
    expect(await rows()).toBe(0);
    expect(await kyu.redis.exists(kyu.queueName)).toBe(0);
  });

  it('a payload nested too deep, whatever reads it first', async () => {
    const error = await refusal(() =>
      kyu.queue.enqueue('mail', nested(20_000)),
    );
    expect(error).toBeInstanceOf(InvalidJobError);
    expect(await rows()).toBe(0);
  });

  it('takes what is just within the limits', async () => {
    const id = await kyu.queue.enqueue('x'.repeat(128), 'x'.repeat(1_048_574), {
      priority: -(2 ** 31) + 1,
      maxRetries: 2 ** 31 - 1,
      timeout: '24d',
    });
    expect(await kyu.queue.inspect(id)).toMatchObject({
      jobType: 'x'.repeat(128),
      priority: -2_147_483_647,
      maxRetries: 2_147_483_647,
      timeoutMs: 2_073_600_000,
    });
  });
});

describe('enqueueMany()', () => {
  const good: JobToEnqueue = { type: 'mail', payload: 1 };

  it.each<[string, unknown]>([
    ['payload', { type: 'mail', payload: 1n }],
    ['type', { payload: 1 }],
    ['option', { ...good, priority: 0.5 }],
    ['unknown option', { ...good, jobType: 'x' }],
  ])('with one bad %s stores nothing, and says which', async (_, bad) => {
    const error = await refusal(() =>
      kyu.queue.enqueueMany([good, bad as JobToEnqueue, good]),
    );
    expect(error).toBeInstanceOf(InvalidJobError);
    expect(error.message).toMatch(/^Job 1 of 3: /);
    expect(await rows()).toBe(0);
  });

  it('takes 10 000 jobs, not 10 001', async () => {
    const jobs = Array.from({ length: 10_001 }, () => good);
    const error = await refusal(() => kyu.queue.enqueueMany(jobs));
    expect(error.message).toBe(
      'enqueueMany() takes at most 10000 jobs, got 10001; call it several times. Nothing was stored.',
    );
    expect(await rows()).toBe(0);
    const ids = await kyu.queue.enqueueMany(jobs.slice(1));
    expect(new Set(ids).size).toBe(10_000);
    expect(await rows()).toBe(10_000);
  });

  it('takes 64 MiB of payloads together, counted in bytes', async () => {
    const full = '€'.repeat(349_524) + 'xx'; // 1 MiB with its two quotes
    const jobs = Array.from({ length: 65 }, () => ({
      type: 'mail',
      payload: full,
    }));
    const error = await refusal(() => kyu.queue.enqueueMany(jobs));
    expect(error).toBeInstanceOf(InvalidJobError);
    expect(error.message).toBe(
      'The payloads of these 65 jobs have 68157440 bytes together, the limit is 67108864; call enqueueMany() several times. Nothing was stored.',
    );
    expect(await rows()).toBe(0);
    expect(await kyu.queue.enqueueMany(jobs.slice(1))).toHaveLength(64);
    expect(await rows()).toBe(64);
  });

  it('of nothing gives nothing', async () => {
    expect(await kyu.queue.enqueueMany([])).toEqual([]);
    expect(await rows()).toBe(0);
  });

  it('gives the ids in the order of the jobs', async () => {
    const jobs = Array.from({ length: 50 }, (_, i) => ({
      type: `type-${i}`,
      payload: i,
      priority: i % 3,
    }));
    const ids = await kyu.queue.enqueueMany(jobs);
    const stored = await Promise.all(ids.map((id) => kyu.queue.inspect(id)));
    expect(stored.map(({ jobType }) => jobType)).toEqual(
      jobs.map(({ type }) => type),
    );
  });
});

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}
