import { SetMetadata } from '@nestjs/common';
import type { JobDefaults } from '../job/new-job.js';

const JOB_HANDLER = Symbol('kyu:job-handler');

/** What the decorator wrote on a method. */
export interface JobHandlerMetadata {
  jobType: string;
  defaults: JobDefaults;
}

/**
 * Makes a method of a provider or controller the handler of a job type.
 *
 * @param jobType the name that jobs are enqueued under; at most 128 bytes.
 * @param defaults for jobs of this type that are enqueued in a process that has this handler and set none themselves.
 * @publicApi
 */
export const JobHandler = (
  jobType: string,
  defaults: JobDefaults = {},
): MethodDecorator =>
  SetMetadata<symbol, JobHandlerMetadata>(JOB_HANDLER, { jobType, defaults });

export const readJobHandler = (
  method: object,
): JobHandlerMetadata | undefined =>
  Reflect.getMetadata(JOB_HANDLER, method) as JobHandlerMetadata | undefined;
