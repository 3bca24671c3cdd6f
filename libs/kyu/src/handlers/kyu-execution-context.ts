import type { ArgumentsHost } from '@nestjs/common';
import { KyuError } from '../errors/kyu.errors.js';
import type { JobContext } from './job-parameters.decorator.js';

/** What `ExecutionContext.getType()` says inside a job. */
export const CONTEXT_TYPE = 'kyu';

/**
 * The job behind the context that Nest hands to guards, interceptors, exception filters and parameter decorators.
 *
 * ```ts
 * const { payload, job } = KyuExecutionContext.of<SendEmail>(context);
 * ```
 *
 * @publicApi
 */
export class KyuExecutionContext<Payload = unknown> {
  private constructor(
    /** As the handler's pipes get it: checked and transformed by the job's schema, if it has one. */
    readonly payload: Payload,
    readonly job: JobContext,
  ) {}

  /**
   * @typeParam Payload is taken at your word.
   * @throws {KyuError} with the code `KYU_NOT_A_JOB` when the context is that of an HTTP request, a message …
   */
  static of<Payload = unknown>(
    context: ArgumentsHost,
  ): KyuExecutionContext<Payload> {
    const type = context.getType<string>();
    if (type !== CONTEXT_TYPE)
      throw new KyuError(
        'KYU_NOT_A_JOB',
        `KyuExecutionContext.of() takes the context of a job, got that of type "${type}". In an enhancer that serves both, ask context.getType() first: it is '${CONTEXT_TYPE}' for jobs.`,
      );
    return new KyuExecutionContext(
      context.getArgByIndex<Payload>(0),
      context.getArgByIndex<JobContext>(1),
    );
  }
}
