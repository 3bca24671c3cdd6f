import { SetMetadata } from '@nestjs/common';
import { InvalidOptionsError } from '../errors/kyu.errors.js';
import { JobDefinition, type InputOf } from '../job/job-definition.js';
import type { JobTypes } from '../job/job-types.js';
import type { JobDefaults } from '../job/new-job.js';
import { UNDEFINED_BY_CIRCULAR_IMPORT } from '../runtime/circular-import.js';
import { showValue } from '../runtime/show-value.js';
import { decorateMethod, entriesOf } from './decorated-methods.js';
import type { HandlerDecorator } from './handler-decorator.js';
import type { RegisterOptions } from './handler.js';

// `Symbol.for`: a class may be decorated by another copy of this package.
const JOB_HANDLER = Symbol.for('kyu:job-handler');
const JOB_QUEUE = Symbol.for('kyu:job-queue');

/** What the decorator wrote on a method; there may be several. */
export interface JobHandlerMetadata {
  jobType: string;
  /** As the decorator says; a definition and the class may say it as well. */
  queue: string | undefined;
  defaults: JobDefaults;
  definition: JobDefinition | undefined;
  transactional: boolean;
}

/**
 * What a handler says of itself and of the jobs of its type.
 *
 * @publicApi
 */
export interface JobHandlerOptions extends RegisterOptions {
  /** The registration whose jobs it runs: the name of a `KyuModule.forRoot({ name })`. @default the definition's, else the class's `@JobQueue()`, else the registration without a name */
  queue?: string;
}

/**
 * Makes a method of a provider or controller the handler of a job type. It may stand on a method several times: the method then runs all these types,
 * each with its own options, and `context.type` says which.
 *
 * With a definition the compiler checks what the method returns, and its parameters as far as it can see them: of a method that takes one
 * parameter, or a second one that is a {@link JobContext}, the first must take the payload, one of its fields, or the context. It does not see parameter
 * decorators. Where a pipe or a decorator of your own makes something else of the first parameter, or an interceptor another result, say so:
 * `@JobHandler<unknown>(SendEmail)` checks neither, `@JobHandler<SendEmail>(SendEmail)` the parameters alone.
 *
 * @param type the name that jobs are enqueued under, at most 128 bytes, or what `defineJob()` made.
 * @param options the queue, whether the run is a transaction, and defaults for jobs of this type that are enqueued in a process that has this handler and set
 * none themselves. They stand in front of the definition's.
 * @publicApi
 */
export function JobHandler<Payload, Result = unknown>(
  type: JobDefinition<Payload, Result, unknown>,
  options?: JobHandlerOptions,
): HandlerDecorator<Payload, Result>;
export function JobHandler<Name extends keyof JobTypes>(
  type: Name,
  options?: JobHandlerOptions,
): HandlerDecorator<InputOf<Name>, unknown>;
export function JobHandler<Name extends string>(
  type: Name extends keyof JobTypes ? never : Name,
  options?: JobHandlerOptions,
): MethodDecorator;
export function JobHandler(
  type: string | JobDefinition,
  { queue, transactional = false, ...defaults }: JobHandlerOptions = {},
): MethodDecorator {
  const definition = type instanceof JobDefinition ? type : undefined;
  const jobType = definition?.name ?? (type as string);
  const metadata: JobHandlerMetadata = {
    jobType,
    queue,
    defaults: { ...definition?.defaults, ...defaults },
    definition,
    transactional,
  };
  return (...place) =>
    decorateMethod(JOB_HANDLER, metadata, labelOf(jobType), place);
}

/** The decorator of a type, for people. */
export const labelOf = (jobType: string): string =>
  `@JobHandler(${showValue(jobType)})`;

export const readJobHandlers = (
  method: object,
): readonly JobHandlerMetadata[] => entriesOf(JOB_HANDLER, method);

/**
 * Binds all handlers of a class to the queue of a named registration: `@JobQueue('billing')`. A handler that names its own queue, or whose definition does, keeps it.
 *
 * @param name the name of a `KyuModule.forRoot({ name })`; one that nobody registered is an error at boot.
 * @publicApi
 */
export const JobQueue = (name: string): ClassDecorator =>
  SetMetadata(JOB_QUEUE, name);

/** The name of the registration that a handler belongs to. @throws {InvalidOptionsError} */
export function queueOf(
  { queue, jobType, definition }: JobHandlerMetadata,
  hostClass: { name: string },
  place: string,
): string | undefined {
  const defined = definition?.queue;
  const ofClass = Reflect.getMetadata(JOB_QUEUE, hostClass) as
    string | undefined;
  if (ofClass === undefined && Reflect.hasMetadata(JOB_QUEUE, hostClass))
    throw new InvalidOptionsError([
      `the @JobQueue() of ${hostClass.name} got ${UNDEFINED_BY_CIRCULAR_IMPORT}`,
    ]);
  if (queue !== undefined && defined !== undefined && queue !== defined)
    throw new InvalidOptionsError([
      `${place} is for the queue '${queue}', and the definition of "${jobType}" is for '${defined}', where it would never get a job: remove one of the two`,
    ]);
  return queue ?? defined ?? ofClass;
}
