import {
  createParamDecorator,
  type ExecutionContext,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import type { JobRunInfo } from '../job/job-context.js';

/**
 * The job's payload, or one field of it: `@JobPayload() payload: SendEmail`, `@JobPayload('to') to: string`. Takes pipes, as Nest's `@Body()` does.
 *
 * @publicApi
 */
export const JobPayload: (
  // Written out: inferred, it would name types that Nest 11 does not have.
  ...fieldOrPipes: (string | PipeTransform | Type<PipeTransform>)[]
) => ParameterDecorator = createParamDecorator(
  (field: string | undefined, context: ExecutionContext): unknown => {
    const payload = context.getArgByIndex<unknown>(0);
    if (field === undefined) return payload;
    // Own fields only: a payload is data, and `constructor` is no field of it.
    return typeof payload === 'object' &&
      payload !== null &&
      Object.hasOwn(payload, field)
      ? (payload as Record<string, unknown>)[field]
      : undefined;
  },
);

/**
 * What the handler can know about its job: id, type, attempt, signal …
 *
 * @publicApi
 */
export interface JobContext extends JobRunInfo {}

/**
 * Hands the {@link JobContext} to a parameter: `@JobContext() job: JobContext`.
 *
 * @publicApi
 */
export const JobContext = createParamDecorator(
  (_: unknown, context: ExecutionContext): JobContext =>
    context.getArgByIndex<JobContext>(1),
);
