import { UnrecoverableJobError } from '../errors/run.errors.js';
import { applySchema } from '../job/apply-schema.js';
import type { JobSchema } from '../job/job-schema.js';
import { describeIssues, type SchemaVerdict } from '../job/payload-issues.js';
import type { JobHandlerFunction } from './handler.js';
import { isPayloadRefusal, payloadRefusal } from './payload-refusal.js';

/** The call with what the schema makes of the payload. One that it refuses will be refused at every retry: the job is dead at once. */
export const checkedCall = (
  jobType: string,
  schema: JobSchema,
  call: JobHandlerFunction,
): JobHandlerFunction => {
  const what = `The payload is not what "${jobType}" takes`;
  return async (payload, context) => {
    const verdict = await verdictOf(schema, payload, what);
    if (verdict.issues)
      throw new UnrecoverableJobError(
        `${what}: ${describeIssues(verdict.issues)}`,
      );
    return call(verdict.value, context);
  };
};

/** A schema that throws has failed, and says nothing of the payload: but for one that throws what another has against it. */
async function verdictOf(
  schema: JobSchema,
  payload: unknown,
  what: string,
): Promise<SchemaVerdict> {
  try {
    return await applySchema(schema, payload);
  } catch (thrown) {
    throw isPayloadRefusal(thrown) ? payloadRefusal(what, thrown) : thrown;
  }
}
