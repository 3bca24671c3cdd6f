import { InvalidJobError } from '../errors/kyu.errors.js';
import type { JobType } from '../job/job-definition.js';
import type { EnqueueOptions, NewJob } from '../job/new-job.js';
import { messageOf } from '../runtime/describe-error.js';

/** One job of a batch, as it was given. */
interface GivenJob extends EnqueueOptions {
  type: JobType;
  payload: unknown;
}

/** The jobs of a batch, each as `prepare` has it. @throws {InvalidJobError} that names the first invalid job. */
export async function prepareAll(
  jobs: readonly GivenJob[],
  prepare: (
    type: JobType,
    payload: unknown,
    options: EnqueueOptions,
  ) => NewJob | Promise<NewJob>,
): Promise<NewJob[]> {
  const rows: NewJob[] = [];
  for (const [index, job] of jobs.entries())
    try {
      const { type, payload, ...options } = Object(job) as GivenJob;
      const row = prepare(type, payload, options);
      rows.push(row instanceof Promise ? await row : row);
    } catch (error) {
      throw new InvalidJobError(
        `Job ${index} of ${jobs.length}: ${messageOf(error)}`,
        { cause: error, issues: (error as InvalidJobError).issues },
      );
    }
  return rows;
}
