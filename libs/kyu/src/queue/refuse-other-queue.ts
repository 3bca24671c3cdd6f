import { InvalidJobError } from '../errors/kyu.errors.js';
import type { JobDefinition } from '../job/job-definition.js';

/**
 * A job that nobody runs, or a handler that gets none, is what would come of it.
 *
 * @param used the name of the registration whose `QueueService` was called.
 * @param instead what to do with the right one: `enqueue it`.
 * @throws {InvalidJobError}
 */
export function refuseOtherQueue(
  { name, queue }: JobDefinition,
  used: string | undefined,
  instead: string,
  done: 'stored' | 'registered',
): void {
  if (queue !== undefined && queue !== used)
    throw new InvalidJobError(
      `Jobs of the type "${name}" belong to the queue "${queue}", and this QueueService is that of ${used === undefined ? 'the default registration' : `"${used}"`}; ${instead} with @InjectQueue('${queue}'). Nothing was ${done}.`,
    );
}
