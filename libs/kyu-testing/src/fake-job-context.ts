import type { JobContext } from '@kyu/nestjs';

/**
 * A context for a test that calls a handler's method itself: that of the first try of a job.
 *
 * @param values in place of the usual ones: `fakeJobContext({ attempt: 2, signal })`.
 * @publicApi
 */
export function fakeJobContext(values: Partial<JobContext> = {}): JobContext {
  const now = new Date();
  return {
    id: '00000000-0000-7000-8000-000000000000',
    type: 'job',
    queue: 'kyu:default',
    attempt: 1,
    maxRetries: 3,
    priority: 0,
    createdAt: now,
    scheduledAt: now,
    timeoutMs: 30_000,
    worker: 'test:1:00000000',
    token: 1,
    signal: new AbortController().signal,
    ...values,
  };
}
