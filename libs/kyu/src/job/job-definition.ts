import { brand } from '../errors/brand.js';
import { InvalidJobError } from '../errors/kyu.errors.js';
import { showValue } from '../runtime/show-value.js';
import {
  isDtoClass,
  isStandardSchema,
  type JobSchema,
  type SchemaInput,
  type SchemaOutput,
} from './job-schema.js';
import type { JobTypes } from './job-types.js';
import { checkDefaults, checkJobType, type JobDefaults } from './new-job.js';

/**
 * What producers and handlers of one job type share. Made by {@link defineJob}; frozen.
 *
 * @typeParam Payload what its handler gets.
 * @typeParam Result what its handler returns.
 * @typeParam Input what may be enqueued, where its schema makes another type of it.
 * @publicApi
 */
export class JobDefinition<
  Payload = unknown,
  Result = unknown,
  Input = Payload,
> {
  static {
    brand(this, 'JobDefinition');
  }

  /** Only types: there is no such property. */
  declare readonly '~types'?: {
    payload: Payload;
    result: Result;
    input: Input;
  };

  constructor(
    readonly name: string,
    readonly schema: JobSchema | undefined,
    /** The name of the registration that its jobs belong to; undefined: any. */
    readonly queue: string | undefined,
    readonly defaults: Readonly<JobDefaults>,
  ) {
    Object.freeze(this);
  }
}

/**
 * What {@link defineJob} takes.
 *
 * @publicApi
 */
export interface JobDefinitionOptions extends JobDefaults {
  /** The queue that jobs of this type belong to, the name of a `KyuModule.forRoot({ name })`: enqueued in another, they are refused. @default any queue */
  queue?: string;
}

/** Whatever can be enqueued: a name, or a definition. */
export type JobType = keyof JobTypes | (string & {}) | JobDefinition;

/**
 * What may be enqueued as a job of this type: the payload, or what its schema accepts; `unknown` if
 * the type is not known.
 *
 * @publicApi
 */
export type InputOf<Type> =
  Type extends JobDefinition<unknown, unknown, infer Input>
    ? Input
    : Type extends keyof JobTypes
      ? JobTypes[Type]
      : unknown;

/**
 * What the handler of a job gets: `PayloadOf<typeof SendEmail>`, or `PayloadOf<'send_email'>` of a
 * name that {@link JobTypes} has; `unknown` if the type is not known.
 *
 * @publicApi
 */
export type PayloadOf<Type extends JobType> =
  Type extends JobDefinition<infer Payload, unknown, unknown>
    ? Payload
    : Type extends keyof JobTypes
      ? JobTypes[Type]
      : unknown;

/**
 * What the handler of a job returns: `ResultOf<typeof SendEmail>`; `unknown` if the definition does
 * not say, and for names.
 *
 * @publicApi
 */
export type ResultOf<Type extends JobType> =
  Type extends JobDefinition<unknown, infer Result, unknown> ? Result : unknown;

/**
 * Defines a job type once, for those who enqueue it and for its handler.
 *
 * ```ts
 * export const SendEmail = defineJob<{ to: string }>('send_email', { maxRetries: 5 });
 * export const Resize = defineJob('resize', { schema: z.object({ width: z.number() }) });
 * ```
 *
 * A schema is applied at enqueue, and again before the handler: it must accept what it made of a payload once that went through JSON.
 *
 * @param name what is stored as the job's type; at most 128 bytes.
 * @param options the schema of the payload, and defaults for jobs of this type. They stand behind those of `@JobHandler()` and `enqueue()`.
 * @throws {InvalidJobError} for a bad name or option.
 * @publicApi
 */
export function defineJob<Schema extends JobSchema>(
  name: string,
  options: JobDefinitionOptions & { schema: Schema },
): JobDefinition<SchemaOutput<Schema>, unknown, SchemaInput<Schema>>;
export function defineJob<Payload = unknown, Result = unknown, Input = Payload>(
  name: string,
  options?: JobDefinitionOptions & { schema?: JobSchema<Input, Payload> },
): JobDefinition<Payload, Result, Input>;
export function defineJob(
  name: string,
  options: JobDefinitionOptions & { schema?: JobSchema } = {},
): JobDefinition {
  checkJobType(name);
  try {
    checkOptions(options);
  } catch (error) {
    throw new InvalidJobError(
      `defineJob("${name}"): ${(error as Error).message}`,
      { cause: error },
    );
  }
  const { schema, queue, ...defaults } = options;
  return new JobDefinition(name, schema, queue, Object.freeze(defaults));
}

const KNOWN_OPTIONS = [
  'schema',
  'queue',
  'priority',
  'maxRetries',
  'timeout',
  'backoff',
];

/** @throws {InvalidJobError} */
function checkOptions(
  options: JobDefinitionOptions & { schema?: JobSchema },
): void {
  const unknown = Object.keys(options).find(
    (key) => !KNOWN_OPTIONS.includes(key),
  );
  if (unknown !== undefined)
    throw new InvalidJobError(
      `Unknown option "${unknown}"; there are ${KNOWN_OPTIONS.join(', ')}.`,
    );
  const { schema, queue, ...defaults } = options;
  if (schema !== undefined && !isStandardSchema(schema) && !isDtoClass(schema))
    throw new InvalidJobError(
      `Expected schema to be a Standard Schema v1 validator or a class, got: ${showValue(schema)}.`,
    );
  if (queue !== undefined && (typeof queue !== 'string' || queue === ''))
    throw new InvalidJobError(
      `Expected queue to be the name of a queue, got: ${showValue(queue)}.`,
    );
  checkDefaults(defaults);
}
