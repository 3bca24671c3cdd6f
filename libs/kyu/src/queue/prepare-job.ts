import { isDeepStrictEqual } from 'node:util';
import type { KyuConfig } from '../config/kyu.config.js';
import { InvalidJobError } from '../errors/kyu.errors.js';
import type { HandlerRegistry } from '../handlers/handler.registry.js';
import { applySchema } from '../job/apply-schema.js';
import { JobDefinition } from '../job/job-definition.js';
import type { JobSchema } from '../job/job-schema.js';
import { encodePayload } from '../job/json-limits.js';
import { newJob, type EnqueueOptions, type NewJob } from '../job/new-job.js';
import { describeIssues } from '../job/payload-issues.js';
import type { DatabaseClock } from '../runtime/database-clock.js';
import { refuseOtherQueue } from './refuse-other-queue.js';

/**
 * The job, checked and completed from its definition, this process's handler and the module. A promise only where a schema has to be asked.
 *
 * @param ids by default of the clock of this process.
 * @throws {InvalidJobError}
 */
export function prepareJob(
  config: KyuConfig,
  handlers: HandlerRegistry,
  type: string | JobDefinition,
  payload: unknown,
  options: EnqueueOptions,
  ids?: Pick<DatabaseClock, 'newId'>,
): NewJob | Promise<NewJob> {
  const definition = type instanceof JobDefinition ? type : undefined;
  if (definition)
    refuseOtherQueue(definition, config.name, 'enqueue it', 'stored');
  const jobType = definition?.name ?? (type as string);
  const own = { ...definition?.defaults, ...handlers.defaultsOf(jobType) };
  const complete = (valid: unknown): NewJob =>
    newJob(
      jobType,
      valid,
      options,
      {
        priority: own.priority ?? 0,
        maxRetries: own.maxRetries ?? config.maxRetries,
        timeout: own.timeout ?? config.timeoutMs,
      },
      ids?.newId(),
    );
  const schema = definition?.schema ?? handlers.schemaOf(jobType);
  return schema
    ? checkedPayload(jobType, schema, payload).then(complete)
    : complete(payload);
}

/** What the schema makes of the payload. @throws {InvalidJobError} */
async function checkedPayload(
  jobType: string,
  schema: JobSchema,
  payload: unknown,
): Promise<unknown> {
  const verdict = await applySchema(schema, payload);
  if (verdict.issues)
    throw new InvalidJobError(
      `The payload is not what "${jobType}" takes: ${describeIssues(verdict.issues)}. Nothing was stored.`,
      { issues: verdict.issues },
    );
  const stored: unknown = JSON.parse(encodePayload(verdict.value));
  // What was accepted is what will be handed over: there is nothing more to ask.
  if (isDeepStrictEqual(stored, payload)) return verdict.value;
  const again = await applySchema(schema, stored);
  if (again.issues)
    throw new InvalidJobError(
      `The schema of "${jobType}" accepts the payload, but not what it makes of it once that is JSON, so every run would refuse it: ${describeIssues(again.issues)}. ` +
        'Let it accept its own output, as z.coerce.date() does where z.date() does not. Nothing was stored.',
      { issues: again.issues },
    );
  return verdict.value;
}
