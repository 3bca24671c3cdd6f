import { UnrecoverableJobError } from '../errors/run.errors.js';
import { describeIssues } from '../job/payload-issues.js';
import { issuesOfThrown } from '../job/thrown-issues.js';
import { messageOf } from '../runtime/describe-error.js';

/** Of the statuses from 400 to 499 those that blame who asks, or the moment, and not what was sent: the same payload may pass at the next try. */
const NOT_OF_THE_PAYLOAD = [401, 403, 407, 408, 409, 423, 424, 425, 429];

/**
 * Whether what a pipe or a schema threw says that the payload is wrong: a payload that is refused once will be refused at every retry. Anything else, a database that
 * cannot be reached or a fault of the pipe's own, says nothing of the payload.
 */
export function isPayloadRefusal(thrown: unknown): boolean {
  try {
    const status = statusOf(thrown);
    if (status !== undefined)
      return (
        status >= 400 && status < 500 && !NOT_OF_THE_PAYLOAD.includes(status)
      );
    const { code } = (thrown ?? {}) as { code?: unknown };
    return (
      code === 'KYU_UNRECOVERABLE_JOB' ||
      code === 'KYU_INVALID_JOB' ||
      issuesOfThrown(thrown).length > 0
    );
  } catch {
    return false; // a Proxy may throw when it is asked what it is
  }
}

/** The error that ends the job at once. @param what begins its message: who has refused the payload. */
export const payloadRefusal = (
  what: string,
  thrown: unknown,
): UnrecoverableJobError =>
  thrown instanceof UnrecoverableJobError
    ? thrown
    : new UnrecoverableJobError(`${what}: ${textOf(thrown)}`, {
        cause: thrown,
      });

/** By its method: the application may have another copy of `@nestjs/common`. */
function statusOf(thrown: unknown): number | undefined {
  const { getStatus } = (thrown ?? {}) as { getStatus?: unknown };
  return typeof getStatus === 'function'
    ? (thrown as { getStatus(): number }).getStatus()
    : undefined;
}

/** What is wrong with which field, where that can be known. An HttpException has it in its response, not in its message. */
function textOf(thrown: unknown): string {
  const { response } = thrown as {
    response?: { message?: unknown; errors?: unknown };
  };
  const messages = response?.message;
  for (const told of [thrown, messages, response?.errors]) {
    const issues = issuesOfThrown(told);
    if (issues.length > 0) return describeIssues(issues);
  }
  if (Array.isArray(messages)) return messages.join('; ');
  // `errorFormat: 'grouped'`: the messages by their field.
  return typeof messages === 'object' && messages !== null
    ? Object.entries(messages)
        .map(([field, message]) => `${field}: ${String(message)}`)
        .join('; ')
    : messageOf(thrown);
}
