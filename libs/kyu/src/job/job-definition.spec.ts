import { z } from 'zod';
import { InvalidJobError } from '../errors/kyu.errors.js';
import { defineJob, JobDefinition } from './job-definition.js';

class Dto {}

describe('defineJob', () => {
  it('holds name, schema, queue and defaults, and cannot be changed', () => {
    const schema = z.object({});
    const job = defineJob('mail', {
      schema,
      queue: 'billing',
      priority: 1,
      maxRetries: 0,
      timeout: '10s',
      backoff: { base: 5 },
    });
    expect(job).toBeInstanceOf(JobDefinition);
    expect(job).toMatchObject({
      name: 'mail',
      schema,
      queue: 'billing',
      defaults: {
        priority: 1,
        maxRetries: 0,
        timeout: '10s',
        backoff: { base: 5 },
      },
    });
    expect(Object.isFrozen(job)).toBe(true);
    expect(Object.isFrozen(job.defaults)).toBe(true);
  });

  it.each<[unknown]>([
    [undefined],
    [{}],
    [{ schema: undefined, queue: undefined, backoff: undefined }],
    [{ schema: Dto }],
    [{ schema: z.string() }],
    [{ backoff: () => 1 }],
  ])('takes %p', (options) => {
    expect(defineJob('mail', options as never).name).toBe('mail');
  });

  it.each<[unknown, string]>([
    [
      { retries: 1 },
      'Unknown option "retries"; there are schema, queue, priority, maxRetries, timeout, backoff.',
    ],
    [
      { schema: {} },
      'Expected schema to be a Standard Schema v1 validator or a class, got: {}.',
    ],
    [{ schema: () => true }, 'Expected schema to be'],
    [{ schema: 'to' }, 'Expected schema to be'],
    [{ queue: '' }, 'Expected queue to be the name of a queue, got: "".'],
    [{ priority: 0.5 }, 'Expected priority to be an integer'],
    [{ timeout: 'soon' }, 'Expected timeout to be milliseconds'],
    [{ backoff: 5 }, 'Expected backoff to be an object'],
    [{ backoff: { first: 5 } }, 'Expected backoff to be an object'],
    [{ backoff: { base: 0 } }, 'Expected backoff.base to be milliseconds'],
    [{ backoff: { cap: '25d' } }, 'Expected backoff.cap to be milliseconds'],
    [
      { backoff: { jitter: 1 } },
      'Expected backoff.jitter to be true or false, got: 1.',
    ],
  ])('refuses %p and names the job', (options, message) => {
    const define = () => defineJob('mail', options as never);
    expect(define).toThrow(InvalidJobError);
    expect(define).toThrow(`defineJob("mail"): ${message}`);
  });

  it.each([[''], [7], [undefined]])('refuses the name %p', (name) => {
    expect(() => defineJob(name as string)).toThrow(
      'Expected the job type to be a non-empty string',
    );
  });
});
