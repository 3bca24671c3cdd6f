import {
  InvalidJobError,
  JobNotCancellableError,
  JobNotFoundError,
  KyuError,
  type DeadJobsPage,
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
  it.each([0, -1, 1.5, Number.NaN, 1_001, '5', null])(
    'with a limit of %p',
    async (limit) => {
      const error = await refusal(() =>
        kyu.queue.deadJobs({ limit } as DeadJobsPage),
      );
      expect(error).toBeInstanceOf(InvalidJobError);
      expect(error.message).toBe(
        `Expected limit to be an integer from 1 to 1000, got: ${String(limit)}.`,
      );
    },
  );

  it.each([1, 1_000])('takes a limit of %d', async (limit) => {
    expect(await kyu.queue.deadJobs({ limit })).toEqual([]);
  });
});

describe('register()', () => {
  it.each([['', 'x'.repeat(129), 'a\0b', 7]].flat())(
    'of the type %p',
    async (type) => {
      const error = await refusal(() =>
        kyu.queue.register(type as string, () => undefined),
      );
      expect(error).toBeInstanceOf(InvalidJobError);
    },
  );
});

describe('BUG: input that has no typed error', () => {
  it.each<[string, () => unknown]>([
    [
      'register() of what is no function',
      () => kyu.queue.register('mail', 'send' as unknown as JobHandlerFunction),
    ],
    [
      'register() with defaults that no job can have',
      () => kyu.queue.register('mail', () => 1, { priority: 0.5 }),
    ],
    [
      'enqueueMany() of null among the jobs',
      () => kyu.queue.enqueueMany([null as unknown as JobToEnqueue]),
    ],
    [
      'enqueueMany() of what is no array',
      () => kyu.queue.enqueueMany({} as unknown as JobToEnqueue[]),
    ],
    [
      'an id that is a BigInt',
      () => kyu.queue.inspect(1n as unknown as string),
    ],
    [
      'a date that PostgreSQL cannot hold',
      () => kyu.queue.enqueue('mail', 1, { scheduledAt: new Date(-8.64e15) }),
    ],
  ])('%s', async (_, call) => {
    expect(await refusal(call)).toBeInstanceOf(InvalidJobError);
    expect(await rows()).toBe(0);
  });
});
