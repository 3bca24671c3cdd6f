import type { JobDefinition, QueueService, RunCounts } from '@kyu/nestjs';
import type { DrainOptions, InputOf, PerformOptions } from './call-options.js';
import type { Faults } from './faults.js';
import { testbedOf } from './testing-queue.js';

/**
 * Runs what is due, one job after the other, and what those enqueue in turn. A failed job waits for its retry: `{ withScheduled: true }` runs that, too, and
 * all that is scheduled. In mode `'real'` the workers run them, and this waits.
 *
 * @returns how many runs there were, and how they ended. @throws what a handler threw, if `throwFailures` is set; and when there is no end of
 * jobs, or in mode `'real'` not within 30 seconds.
 * @publicApi
 */
export const drain = (
  queue: QueueService,
  options: DrainOptions = {},
): Promise<RunCounts> => testbedOf(queue).drain(options);

/**
 * Calls the handler of a job type as a run does, without a job: schema, guards, pipes, interceptors and filters, within the timeout and the context that travels.
 *
 * @param type what `defineJob()` made, or a name.
 * @returns what the handler returns. @throws {InvalidJobError} for a payload that `enqueue()` would refuse, else what the handler throws.
 * @publicApi
 */
export function perform<Payload, Result, Input>(
  queue: QueueService,
  type: JobDefinition<Payload, Result, Input>,
  payload: Input,
  options?: PerformOptions,
): Promise<Result>;
export function perform<Type extends string>(
  queue: QueueService,
  type: Type,
  payload: InputOf<Type>,
  options?: PerformOptions,
): Promise<unknown>;
export function perform(
  queue: QueueService,
  type: string | JobDefinition,
  payload: unknown,
  options: PerformOptions = {},
): Promise<unknown> {
  return testbedOf(queue).perform(type, payload, options);
}

/**
 * What can go wrong around a queue, on demand: `faults(queue).redisDown()`.
 *
 * @publicApi
 */
export const faults = (queue: QueueService): Faults => testbedOf(queue).faults;
