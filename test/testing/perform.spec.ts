import { ForbiddenException } from '@nestjs/common';
import {
  InvalidJobError,
  JobTimeoutError,
  UnrecoverableJobError,
} from '@kyu/nestjs';
import { expectEnqueued, perform } from '@kyu/testing';
import { bootEmail } from './boot.js';
import { Boom, Flaky, SendEmail } from './shop.js';

const boot = async () => (await bootEmail({ mode: 'manual' })).queue;

it('calls the handler through schema, guard, pipe and interceptor, and enqueues nothing', async () => {
  const queue = await boot();
  expect(await perform(queue, SendEmail, { to: 'Ada@X.org' })).toEqual({
    sealed: 'Hello ada@x.org',
  });
  await expectEnqueued(queue, SendEmail, { count: 0 });
});

it('throws what enqueue() throws, and what the handler throws', async () => {
  const queue = await boot();
  for (const [call, error] of [
    [() => perform(queue, SendEmail, { to: 'nobody' }), InvalidJobError],
    [() => perform(queue, SendEmail, { to: 'spam@x.org' }), ForbiddenException],
    [() => perform(queue, Flaky, { failures: 1 }), Boom],
    [() => perform(queue, 'hopeless', null), UnrecoverableJobError],
    [() => perform(queue, 'slow', null), JobTimeoutError],
    [() => perform(queue, 'slow', null, { priority: 0.5 }), InvalidJobError],
    [() => perform(queue, 'slow', null, { attempt: 0 }), InvalidJobError],
  ] as const)
    await expect(call()).rejects.toBeInstanceOf(error);
  expect(await perform(queue, 'forgiven', null)).toBe('forgiven');
});

it('runs as the attempt that it is told', async () => {
  const queue = await boot();
  const result: string = await perform(
    queue,
    Flaky,
    { failures: 1 },
    { attempt: 2 },
  );
  expect(result).toBe('after 2');
});

it('hands over what JSON makes of the payload', async () => {
  expect(await perform(await boot(), 'what_is_it', { at: new Date() })).toBe(
    'string',
  );
});

it('names the handlers that there are', async () => {
  await expect(perform(await boot(), 'flakey', null)).rejects.toThrow(
    /No handler for the job type "flakey"; did you mean "flaky"\? .*: send_email/,
  );
});
