import { checkDefaults, type JobDefaults } from '../job/new-job.js';
import { messageOf } from '../runtime/describe-error.js';
import { didYouMean } from './did-you-mean.js';
import { object } from './options.checks.js';

/** A record, so that the compiler misses a name that is not here. */
const OPTIONS: Record<keyof JobDefaults, true> = {
  priority: true,
  maxRetries: true,
  timeout: true,
  backoff: true,
};
const KNOWN = Object.keys(OPTIONS);

/** What is wrong with the option `handlerOptions`, in whole sentences. */
export function checkHandlerOptions(
  handlerOptions: Record<string, JobDefaults> | undefined,
): string[] {
  if (object(handlerOptions) !== undefined) return []; // the schema's check speaks of it
  return Object.entries(handlerOptions!).flatMap(([jobType, options]) => {
    const name = `"handlerOptions.${jobType}"`;
    if (object(options) !== undefined)
      return [`expected ${name} to be an object such as { timeout: '10s' }`];
    const unknown = Object.keys(options).find((key) => !KNOWN.includes(key));
    if (unknown !== undefined) {
      const meant = didYouMean(unknown, KNOWN);
      return [
        `unknown option "${unknown}" in ${name}${meant ? `, did you mean "${meant}"?` : `; there are ${KNOWN.join(', ')}`}`,
      ];
    }
    try {
      checkDefaults(options);
      return [];
    } catch (error) {
      return [`${name}: ${messageOf(error)}`];
    }
  });
}

/** A value that is undefined, an unset variable say, leaves the decorator's as it is. */
export const handlerOptionsMap = (
  handlerOptions: Record<string, JobDefaults> = {},
): ReadonlyMap<string, JobDefaults> =>
  new Map(
    Object.entries(handlerOptions).map(([jobType, options]) => [
      jobType,
      Object.fromEntries(
        Object.entries(options).filter(([, value]) => value !== undefined),
      ),
    ]),
  );
