import {
  InvalidJobError,
  JobNotCancellableError,
  JobNotFoundError,
  KyuError,
  type DeadJobsPage,
  type EnqueueOptions,
  type JobHandlerFunction,
  type JobToEnqueue,
} from '@kyu/nestjs';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

const UNKNOWN_ID = '01890a5d-ac96-774b-bcce-b302099a8057';

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

describe('an id', () => {
  it.each<[string, (id: string) => Promise<unknown>]>([
    ['inspect()', (id) => kyu.queue.inspect(id)],
    ['cancelJob()', (id) => kyu.queue.cancelJob(id)],
  ])('that nobody has: %s', async (_, call) => {
    const error = await refusal(() => call(UNKNOWN_ID));
    expect(error).toBeInstanceOf(JobNotFoundError);
    expect(error).toMatchObject({
      code: 'KYU_JOB_NOT_FOUND',
      jobId: UNKNOWN_ID,
      message: `No job ${UNKNOWN_ID} in queue "${kyu.queueName}". Was it enqueued in another queue, or removed?`,
    });
  });

  describe.each<[string, (id: string) => Promise<unknown>]>([
    ['inspect()', (id) => kyu.queue.inspect(id)],
    ['cancelJob()', (id) => kyu.queue.cancelJob(id)],
    ['deadJobs()', (before) => kyu.queue.deadJobs({ before })],
  ])('that is no UUID: %s', (_, call) => {
    it.each<[unknown, string]>([
      ['', '""'],
      ['17', '"17"'],
      ["' OR 1=1 --", `"' OR 1=1 --"`],
      [`${UNKNOWN_ID} `, `"${UNKNOWN_ID} "`],
      [17, '17'],
      [null, 'null'],
      [{}, '{}'],
      [1n, '1n'],
    ])('%p', async (id, shown) => {
      const error = await refusal(() => call(id as string));
      expect(error).toBeInstanceOf(InvalidJobError);
      expect(error.message).toBe(
        `Expected the id of a job, a UUID, got: ${shown}.`,
      );
    });
  });

  it('in upper case is the same id', async () => {
    const id = await kyu.queue.enqueue('mail', null);
    const job = await kyu.queue.inspect(id.toUpperCase());
    expect(job.id).toBe(id);
    await kyu.queue.cancelJob(id.toUpperCase());
    const error = await refusal(() => kyu.queue.cancelJob(id));
    expect(error).toBeInstanceOf(JobNotCancellableError);
    expect(error).toMatchObject({
      code: 'KYU_JOB_NOT_CANCELLABLE',
      jobId: id,
      status: 'cancelled',
    });
    expect(error.message).toContain(`Job ${id} is cancelled`);
  });

  it('of another queue in the same table is not found', async () => {
    const id = await kyu.queue.enqueue('mail', null);
    await kyu.sql(`UPDATE jobs SET queue = 'another'`);
    const error = await refusal(() => kyu.queue.inspect(id));
    expect(error).toBeInstanceOf(JobNotFoundError);
  });
});

describe('deadJobs()', () => {
  it.each<[unknown, string]>([
    [0, '0'],
    [-1, '-1'],
    [1.5, '1.5'],
    [Number.NaN, 'NaN'],
    [1_001, '1001'],
    ['5', '"5"'],
    [null, 'null'],
    [5n, '5n'],
  ])('with a limit of %p', async (limit, shown) => {
    const error = await refusal(() =>
      kyu.queue.deadJobs({ limit } as DeadJobsPage),
    );
    expect(error).toBeInstanceOf(InvalidJobError);
    expect(error.message).toBe(
      `Expected limit to be an integer from 1 to 1000, got: ${shown}.`,
    );
  });

  it.each([1, 1_000])('takes a limit of %d', async (limit) => {
    expect(await kyu.queue.deadJobs({ limit })).toEqual([]);
  });
});

describe('register()', () => {
  const PRIORITY = 'priority to be an integer from -2147483647 to 2147483647';
  const run: JobHandlerFunction = () => undefined;

  it.each<[string, unknown, unknown, object | undefined, string]>([
    [
      'an empty type',
      '',
      run,
      undefined,
      'register(""): Expected the job type to be a non-empty string, got: "".',
    ],
    [
      'a type of 129 bytes',
      'x'.repeat(129),
      run,
      undefined,
      'has 129 bytes, the limit is 128.',
    ],
    [
      'a type with a NUL',
      'a\0b',
      run,
      undefined,
      'register("a\\u0000b"): The job type holds a NUL or half a surrogate pair; PostgreSQL cannot store it.',
    ],
    [
      'a type that is no text',
      7,
      run,
      undefined,
      'register(7): Expected the job type to be a non-empty string, got: 7.',
    ],
    [
      'a handler that is no function',
      'mail',
      'send',
      undefined,
      'Expected the handler of "mail" to be a function, got: "send".',
    ],
    [
      'no handler, and a type that cannot become text',
      Object.create(null),
      undefined,
      undefined,
      'Expected the handler of [Object: null prototype] {} to be a function, got: undefined.',
    ],
    [
      'defaults that no job can have',
      'mail',
      run,
      { priority: 0.5 },
      `register("mail"): Expected ${PRIORITY}, got: 0.5.`,
    ],
  ])('with %s', async (_, type, handler, defaults, message) => {
    const error = await refusal(() =>
      kyu.queue.register(
        type as string,
        handler as JobHandlerFunction,
        defaults,
      ),
    );
    expect(error).toBeInstanceOf(InvalidJobError);
    expect(error.message).toContain(message);
  });
});

describe('input of the wrong kind', () => {
  it.each<[string, () => unknown, string]>([
    [
      'enqueueMany() of null among the jobs',
      () => kyu.queue.enqueueMany([null as unknown as JobToEnqueue]),
      'Job 0 of 1: Expected the job type to be a non-empty string, got: undefined.',
    ],
    [
      'enqueueMany() of what is no array',
      () => kyu.queue.enqueueMany({} as unknown as JobToEnqueue[]),
      'enqueueMany() takes an array of { type, payload }, got: {}. Nothing was stored.',
    ],
    [
      'enqueue() with null for the options',
      () => kyu.queue.enqueue('mail', 1, null as unknown as EnqueueOptions),
      'Expected the options to be an object such as { priority: 1 }, got: null.',
    ],
    [
      'a date that PostgreSQL cannot hold',
      () => kyu.queue.enqueue('mail', 1, { scheduledAt: new Date(-8.64e15) }),
      'scheduledAt is before the year 1 (-271821-04-20T00:00:00.000Z); is it what was meant?',
    ],
  ])('is refused: %s', async (_, call, message) => {
    const error = await refusal(call);
    expect(error).toBeInstanceOf(InvalidJobError);
    expect(error.message).toBe(message);
    expect(await rows()).toBe(0);
  });
});
