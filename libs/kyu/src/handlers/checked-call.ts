import { UnrecoverableJobError } from '../errors/kyu.errors.js';
import { applySchema } from '../job/apply-schema.js';
import type { JobSchema } from '../job/job-schema.js';
import { describeIssues } from '../job/payload-issues.js';
import type { JobHandlerFunction } from './handler.js';

/** The call with what the schema makes of the payload. One that it refuses will be refused at every retry: the job is dead at once. */
export const checkedCall =
  (
    jobType: string,
    schema: JobSchema,
    call: JobHandlerFunction,
  ): JobHandlerFunction =>
  async (payload, context) => {
    const verdict = await applySchema(schema, payload);
    if (verdict.issues)
      throw new UnrecoverableJobError(
        `The payload is not what "${jobType}" takes: ${describeIssues(verdict.issues)}`,
      );
    return call(verdict.value, context);
  };
