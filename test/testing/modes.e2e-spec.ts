import { InvalidJobError, type Job, type QueueService } from '@kyu/nestjs';
import { drain, expectEnqueued } from '@kyu/testing';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';
import { bootEmail, type Booted } from './boot.js';
import { Flaky, SendEmail } from './shop.js';

/** The same jobs in each mode, and the same comes of them: the modes without servers do what the real thing does. */

beforeAll(() => {
  // Mode 'real' takes the servers that are there.
  process.env['KYU_POSTGRES_URL'] = POSTGRES_URL;
  process.env['KYU_REDIS_URL'] = REDIS_URL;
});

const what = (job: Job) => ({
  type: job.jobType,
  payload: job.payload,
  status: job.status,
  result: job.result,
  error: job.errorMessage,
  retries: job.retryCount,
  priority: job.priority,
  maxRetries: job.maxRetries,
  timeoutMs: job.timeoutMs,
  claims: job.claimToken,
  history: job.history.map(({ token, outcome, error }) => ({
    token,
    outcome,
    error,
  })),
  ended: job.completedAt !== null,
  locked: job.lockedBy,
});

describe.each(['manual', 'inline', 'real'] as const)('mode %s', (mode) => {
  const boot = (): Promise<Booted> =>
    bootEmail({
      mode,
      ...(mode === 'inline' && { throwFailures: false }),
      options: { backoff: { base: '20ms', cap: '50ms' } },
    });

  async function run(
    queue: QueueService,
    type: string,
    payload: unknown,
  ): Promise<ReturnType<typeof what>> {
    const id = await queue.enqueue(type, payload);
    await drain(queue, { withScheduled: true });
    return what(await queue.inspect(id));
  }

  it('completes a job through schema, guard, pipe and interceptor', async () => {
    const { queue, log } = await boot();
    expect(await run(queue, 'send_email', { to: 'Ada@X.org' })).toEqual({
      type: 'send_email',
      payload: { to: 'Ada@X.org', subject: 'Hello' },
      status: 'completed',
      result: { sealed: 'Hello ada@x.org' },
      error: null,
      retries: 0,
      priority: 0,
      maxRetries: 2,
      timeoutMs: 30_000,
      claims: 1,
      history: [{ token: 1, outcome: 'completed', error: undefined }],
      ended: true,
      locked: null,
    });
    expect(log).toEqual(['send ada@x.org, attempt 1']);
  });

  it('retries, and ends when it works', async () => {
    const { queue } = await boot();
    expect(await run(queue, 'flaky', { failures: 2 })).toEqual({
      type: 'flaky',
      payload: { failures: 2 },
      status: 'completed',
      result: 'after 3',
      error: null,
      retries: 2,
      priority: 5,
      maxRetries: 3,
      timeoutMs: 30_000,
      claims: 3,
      history: [
        { token: 1, outcome: 'failed', error: 'attempt 1' },
        { token: 2, outcome: 'failed', error: 'attempt 2' },
        { token: 3, outcome: 'completed', error: undefined },
      ],
      ended: true,
      locked: null,
    });
  });

  it.each([
    ['flaky', { failures: 9 }, 'dead', 'attempt 4', 3],
    ['hopeless', null, 'dead', /no retry helps/, 0],
    ['slow', null, 'dead', /timeout of 20 ms/, 0],
    ['send_email', { to: 'spam@x.org' }, 'dead', /no spam/, 2],
    ['forgiven', null, 'completed', null, 0],
  ])('%s of %j ends %s', async (type, payload, status, error, retries) => {
    const { queue, log } = await boot();
    const job = await run(queue, type, payload);
    expect(job).toMatchObject({ status, retries, ended: true });
    if (error === null) expect(job.error).toBeNull();
    else expect(job.error).toMatch(error);
    expect(await queue.deadJobs()).toHaveLength(status === 'dead' ? 1 : 0);
    expect(log.filter((line) => line.startsWith('dead'))).toEqual(
      status === 'dead' ? [`dead: ${type}`] : [],
    );
  });

  it('hands over what JSON makes of a payload', async () => {
    const { queue } = await boot();
    const job = await run(queue, 'what_is_it', { at: new Date(0) });
    expect(job.payload).toEqual({ at: '1970-01-01T00:00:00.000Z' });
    expect(job.result).toBe('string');
  });

  it('refuses what enqueue() refuses', async () => {
    const { queue } = await boot();
    await expect(
      queue.enqueue(SendEmail, { to: 'nobody' }),
    ).rejects.toBeInstanceOf(InvalidJobError);
    await expect(
      queue.enqueue('forgiven', null, { maxRetries: -1 }),
    ).rejects.toThrow(/maxRetries/);
    await expect(
      queue.enqueue('forgiven', null, { client: {} as never }),
    ).rejects.toThrow(/client to have a method query/);
    await expectEnqueued(queue, SendEmail, { count: 0 });
  });

  it('drains what jobs enqueue, and says how much there was', async () => {
    const { queue } = await boot();
    await queue.enqueue('chain', { left: 3 });
    await queue.enqueue('hopeless', null);
    const counts = await drain(queue);
    // Inline, they have run by now.
    expect(counts).toEqual(
      mode === 'inline'
        ? { claimed: 0, completed: 0, failed: 0, dead: 0 }
        : { claimed: 5, completed: 4, failed: 0, dead: 1 },
    );
    const chain = await expectEnqueued(queue, 'chain', { count: 4 });
    expect(chain.map(({ status }) => status)).toEqual(
      Array.from({ length: 4 }, () => 'completed'),
    );
  });

  it('runs what is scheduled when its time has come', async () => {
    const { queue } = await boot();
    const runAt = new Date(Date.now() + 3_600_000);
    const id = await queue.enqueue(
      SendEmail,
      { to: 'a@x.org' },
      { scheduledAt: runAt },
    );
    await expectEnqueued(queue, SendEmail, { runAt, count: 1 });
    await drain(queue);
    expect((await queue.inspect(id)).status).toBe('scheduled');
    await drain(queue, { withScheduled: new Date(Date.now() + 60_000) });
    expect((await queue.inspect(id)).status).toBe('scheduled');
    await drain(queue, { withScheduled: true });
    expect((await queue.inspect(id)).status).toBe('completed');
    await expectEnqueued(queue, SendEmail, { runAt, count: 1 }); // still
  });

  it('knows when a job was first to run, whatever retries came', async () => {
    const { queue } = await boot();
    const runAt = new Date(Date.now() + 3_600_000);
    await queue.enqueueMany([
      { type: Flaky, payload: { failures: 2 }, scheduledAt: runAt },
      { type: Flaky, payload: { failures: 0 } },
    ]);
    await drain(queue, { withScheduled: true });
    await expectEnqueued(queue, Flaky, {
      where: { failures: 2 },
      runAt: (at) => at.getTime() === runAt.getTime(),
    });
    await expectEnqueued(queue, Flaky, { runAt: new Date(), count: 1 });
  });

  it('runs what enqueues itself for later, up to a time', async () => {
    const { queue } = await boot();
    const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000);
    let runs = 0;
    queue.register('hourly', async () => {
      runs++;
      await queue.enqueue('hourly', null, { scheduledAt: inHours(1) });
    });
    await queue.enqueue('hourly', null);
    await queue.enqueue('forgiven', null, { scheduledAt: inHours(3) });
    await drain(queue, { withScheduled: inHours(3.5) });
    expect(runs).toBe(4);
    await expectEnqueued(queue, 'hourly', {
      where: (_, { status }) => status === 'scheduled',
      count: 1,
    });
  });

  it('cancels what waits', async () => {
    const { queue } = await boot();
    const scheduledAt = new Date(Date.now() + 60_000);
    const id = await queue.enqueue(Flaky, { failures: 0 }, { scheduledAt });
    expect(await queue.cancelJob(id)).toBe('cancelled');
    await drain(queue, { withScheduled: true });
    expect(what(await queue.inspect(id))).toMatchObject({
      status: 'cancelled',
      claims: 0,
      ended: true,
    });
    await expect(queue.cancelJob(id)).rejects.toThrow(/can no longer/);
  });

  it('leaves a type that nobody handles', async () => {
    const { queue } = await boot();
    const id = await queue.enqueue('nobodys', null);
    await drain(queue, { withScheduled: true });
    expect((await queue.inspect(id)).status).toBe('pending');
  });
});
