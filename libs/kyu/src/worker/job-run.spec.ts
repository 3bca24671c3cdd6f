import { jest } from '@jest/globals';
import { JobTimeoutError } from '../errors/run.errors.js';
import { LateTimers } from '../runtime/late-timers.js';
import type { ClaimedJob } from '../store/job-store.js';
import { JobRun } from './job-run.js';

const JOB: ClaimedJob = {
  id: '01890a5d-ac96-774b-bcce-b302099a8057',
  jobType: 'mail',
  payloadJson: '{}',
  priority: 7,
  maxRetries: 3,
  retryCount: 0,
  crashCount: 0,
  timeoutMs: 1_000,
  token: 4,
  createdAt: new Date(1),
  scheduledAt: new Date(2),
  waitedMs: 0,
  claimedAt: 0,
  contextJson: null,
};
const newRun = (job: Partial<ClaimedJob> = {}): JobRun =>
  new JobRun({ ...JOB, ...job }, 'kyu:default', 'host:1:ab', new LateTimers());

const never = (): Promise<never> => new Promise(() => undefined);

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('the context of a run', () => {
  it('tells the handler about its job', () => {
    const { signal, ...context } = newRun().context;
    expect(signal.aborted).toBe(false);
    expect(context).toEqual({
      id: JOB.id,
      type: 'mail',
      queue: 'kyu:default',
      attempt: 1,
      maxRetries: 3,
      priority: 7,
      createdAt: JOB.createdAt,
      scheduledAt: JOB.scheduledAt,
      timeoutMs: 1_000,
      worker: 'host:1:ab',
      token: 4,
    });
  });

  it('counts attempts from 1, by the retries used and not by the claims', () => {
    expect(newRun({ retryCount: 2, token: 9 }).context.attempt).toBe(3);
  });

  it('has one signal, however often it is looked at', () => {
    const { context } = newRun();
    expect(context.signal).toBe(context.signal);
  });
});

describe('the signal of a run', () => {
  const reason = new Error('stopping');

  it('aborts with the reason', () => {
    const run = newRun();
    const heard: unknown[] = [];
    const { signal } = run.context;
    signal.addEventListener('abort', () => heard.push(signal.reason));
    run.abort(reason);
    expect(heard).toEqual([reason]);
  });

  it('is aborted already for a handler that looks at it only then', () => {
    const run = newRun();
    run.abort(reason);
    expect(run.context.signal.aborted).toBe(true);
    expect(run.context.signal.reason).toBe(reason);
  });

  it.each(['before', 'after'])(
    'keeps the first reason, when looked at %s',
    (when) => {
      const run = newRun();
      const early = when === 'before' ? run.context.signal : undefined;
      expect(run.aborted).toBeUndefined();
      run.abort(reason);
      run.abort(new Error('timed out'));
      expect((early ?? run.context.signal).reason).toBe(reason);
      expect(run.aborted).toBe(reason);
    },
  );
});

describe('withTimeout', () => {
  it('gives what the work gives, and leaves no timer', async () => {
    const run = newRun();
    await expect(run.withTimeout(Promise.resolve('done'))).resolves.toBe(
      'done',
    );
    await jest.advanceTimersByTimeAsync(0); // the end of the turn
    expect(jest.getTimerCount()).toBe(0);
    expect(run.context.signal.aborted).toBe(false);
  });

  it('rejects as the work rejects, and leaves no timer', async () => {
    const error = new Error('no');
    await expect(newRun().withTimeout(Promise.reject(error))).rejects.toBe(
      error,
    );
    await jest.advanceTimersByTimeAsync(0); // the end of the turn
    expect(jest.getTimerCount()).toBe(0);
  });

  it('rejects at the timeout, not sooner, and aborts the signal with the same error', async () => {
    const run = newRun();
    const { signal } = run.context;
    let ended: unknown;
    run.withTimeout(never()).catch((error: unknown) => (ended = error));
    await jest.advanceTimersByTimeAsync(999);
    expect([ended, signal.aborted]).toEqual([undefined, false]);
    await jest.advanceTimersByTimeAsync(1);
    expect(ended).toBeInstanceOf(JobTimeoutError);
    expect(ended).toMatchObject({
      code: 'KYU_JOB_TIMEOUT',
      timeoutMs: 1_000,
      message:
        'The job ran longer than its timeout of 1000 ms. Give it a longer timeout, or end the work when context.signal aborts.',
    });
    expect(signal.reason).toBe(ended);
    await jest.advanceTimersByTimeAsync(0); // the end of the turn
    expect(jest.getTimerCount()).toBe(0);
  });

  it.each([1, 2_147_483_647])('keeps a timeout of %d ms', async (timeoutMs) => {
    let failed = false;
    newRun({ timeoutMs })
      .withTimeout(never())
      .catch(() => (failed = true));
    await jest.advanceTimersByTimeAsync(timeoutMs - 1);
    expect(failed).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    expect(failed).toBe(true);
  });

  it.each<[string, (settle: Settle) => void]>([
    ['resolves', ({ resolve }) => resolve('late')],
    ['rejects, which nobody else handles', ({ reject }) => reject('late')],
  ])('ignores work that %s after the timeout', async (_, end) => {
    const settle = {} as Settle;
    const work = new Promise((resolve, reject) =>
      Object.assign(settle, { resolve, reject }),
    );
    const outcome = newRun()
      .withTimeout(work)
      .catch((error: Error) => error.name);
    await jest.advanceTimersByTimeAsync(1_000);
    end(settle);
    await jest.advanceTimersByTimeAsync(1_000);
    await expect(outcome).resolves.toBe('JobTimeoutError');
  });

  it('does not change the reason of a run that was given back before', async () => {
    const run = newRun();
    const reason = new Error('stopping');
    const outcome = run.withTimeout(never()).catch((error: unknown) => error);
    run.abort(reason);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(run.context.signal.reason).toBe(reason);
    await expect(outcome).resolves.toBeInstanceOf(JobTimeoutError);
  });
});

describe('durationMs', () => {
  it('is how long the run has lasted', () => {
    const run = newRun();
    jest.advanceTimersByTime(250);
    expect(run.durationMs).toBe(250);
  });
});

interface Settle {
  resolve: (value: unknown) => void;
  reject: (reason: unknown) => void;
}
