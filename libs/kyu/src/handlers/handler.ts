import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import type { Observable } from 'rxjs';
import type { JobSchema } from '../job/job-schema.js';
import type { JobDefaults } from '../job/new-job.js';
import type { JobContext } from './job-parameters.decorator.js';

/**
 * What runs a job: it gets the payload and the context; what it returns (or resolves to) is the job's result, what it throws its failure.
 *
 * @publicApi
 */
export type JobHandlerFunction<Payload = unknown, Result = unknown> = (
  payload: Payload,
  context: JobContext,
) => Result | PromiseLike<Result> | Observable<Result>;

/**
 * Options of a handler that is registered at run time.
 *
 * @publicApi
 */
export interface RegisterOptions extends JobDefaults {
  /**
   * Calls the handler in a transaction of its own, which it gets by `@JobManager()` or `context.manager`. Its commit also completes the job: what the handler
   * writes by that manager happens once, however often the job runs. Holds a connection for as long as the handler runs. @default false
   */
  transactional?: boolean;
}

/** A handler as the registry keeps it. */
export interface Handler {
  jobType: string;
  /** The method or function, for people: `EmailJobs.send (MailModule)`. */
  place: string;
  /** The name of the registration whose jobs it runs; undefined: the default one. */
  queue: string | undefined;
  defaults: JobDefaults;
  /** What checks the payload; undefined: nothing does. */
  schema: JobSchema | undefined;
  /** Runs in a transaction whose commit also settles its job. */
  transactional: boolean;
  call: JobHandlerFunction;
  /** What interceptors see as getClass() and getHandler(). */
  hostClass: abstract new (...args: never[]) => unknown;
  method: (...args: never[]) => unknown;
  /** Whose method it is; undefined for a function that was registered. */
  provider: InstanceWrapper | undefined;
}
