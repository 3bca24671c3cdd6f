import { isPayloadRefusal, payloadRefusal } from './payload-refusal.js';

/**
 * Is responsible for telling the refusals of pipes from all other errors, so that only the former end a job at once. Filters and interceptors see the error as
 * the pipe threw it; only what leaves the pipeline is marked.
 */
export class PipeRefusals {
  private readonly refusals = new WeakSet<object>();

  /** Notes what a pipe threw. */
  note(thrown: unknown): void {
    if (
      typeof thrown === 'object' &&
      thrown !== null &&
      isPayloadRefusal(thrown)
    )
      this.refusals.add(thrown);
  }

  /** What to throw in place of what leaves the pipeline. */
  finalOf(thrown: unknown): unknown {
    return typeof thrown === 'object' &&
      thrown !== null &&
      this.refusals.has(thrown)
      ? payloadRefusal('A pipe refused the payload', thrown)
      : thrown;
  }
}
