import { HttpException } from '@nestjs/common';
import { UnrecoverableJobError } from '../errors/kyu.errors.js';
import { messageOf } from '../runtime/describe-error.js';

/**
 * Is responsible for telling what a pipe threw from all other errors: a payload that is refused once will be refused at every retry, so its job is dead at
 * once. Filters and interceptors see the error as the pipe threw it; only what leaves the pipeline is marked.
 */
export class PipeRefusals {
  private readonly refusals = new WeakSet<object>();

  /** What to throw in place of what a pipe threw. */
  note(thrown: unknown): unknown {
    if (!isRefusal(thrown)) return thrown;
    if (typeof thrown !== 'object' || thrown === null) return refusal(thrown);
    this.refusals.add(thrown);
    return thrown;
  }

  /** What to throw in place of what leaves the pipeline. */
  finalOf(thrown: unknown): unknown {
    return typeof thrown === 'object' &&
      thrown !== null &&
      this.refusals.has(thrown)
      ? refusal(thrown)
      : thrown;
  }
}

/** A pipe that says "503" blames what it had to ask, not the payload. */
const isRefusal = (thrown: unknown): boolean =>
  !(thrown instanceof HttpException && thrown.getStatus() >= 500);

const refusal = (thrown: unknown): UnrecoverableJobError =>
  thrown instanceof UnrecoverableJobError
    ? thrown
    : new UnrecoverableJobError(`A pipe refused the payload: ${text(thrown)}`, {
        cause: thrown,
      });

/** ValidationPipe keeps what is wrong with which field in the response, not in the message. */
function text(thrown: unknown): string {
  const response: unknown =
    thrown instanceof HttpException ? thrown.getResponse() : undefined;
  const messages = (response as { message?: unknown } | undefined)?.message;
  return Array.isArray(messages) ? messages.join('; ') : messageOf(thrown);
}
