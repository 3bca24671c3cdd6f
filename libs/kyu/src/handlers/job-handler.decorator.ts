import { SetMetadata } from '@nestjs/common';
import { JobDefinition, type InputOf } from '../job/job-definition.js';
import type { JobTypes } from '../job/job-types.js';
import type { JobDefaults } from '../job/new-job.js';
import type { HandlerDecorator } from './handler-decorator.js';
import type { JobHandlerOptions } from './handler.js';

const JOB_HANDLER = Symbol('kyu:job-handler');

/** What the decorator wrote on a method. */
export interface JobHandlerMetadata {
  jobType: string;
  defaults: JobDefaults;
  definition: JobDefinition | undefined;
  transactional: boolean;
}

/**
 * Makes a method of a provider or controller the handler of a job type.
 *
 * With a definition the compiler checks what the method returns, and its parameters as far as it can see them: of a method that takes one
 * parameter, or a second one that is a {@link JobContext}, the first must take the payload, one of its fields, or the context. It does not see parameter
 * decorators. Where a pipe or a decorator of your own makes something else of the first parameter, or an interceptor another result, say so:
 * `@JobHandler<unknown>(SendEmail)` checks neither, `@JobHandler<SendEmail>(SendEmail)` the parameters alone.
 *
 * @param type the name that jobs are enqueued under, at most 128 bytes, or what `defineJob()` made.
 * @param options defaults for jobs of this type that are enqueued in a process that has this handler and set none themselves; they stand in front of the
 * definition's. And `transactional`.
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
  { transactional = false, ...defaults }: JobHandlerOptions = {},
): MethodDecorator {
  const definition = type instanceof JobDefinition ? type : undefined;
  return SetMetadata<symbol, JobHandlerMetadata>(JOB_HANDLER, {
    jobType: definition?.name ?? (type as string),
    defaults: { ...definition?.defaults, ...defaults },
    definition,
    transactional,
  });
}

export const readJobHandler = (
  method: object,
): JobHandlerMetadata | undefined =>
  Reflect.getMetadata(JOB_HANDLER, method) as JobHandlerMetadata | undefined;
