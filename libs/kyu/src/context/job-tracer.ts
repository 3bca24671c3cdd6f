import type { JobContext } from '../handlers/job-parameters.decorator.js';

/** Trace context as a propagator writes it: `traceparent`, and what else it is set up to carry. */
export type TraceCarrier = Record<string, string>;

/** What the queue and the worker need of tracing, which is built on top of them. This one does nothing; the one with spans extends it. */
export class JobTracer {
  /**
   * Stores jobs inside the span of an enqueue. `store` gets what should travel with them, if there is a trace.
   *
   * @param ids those of the jobs, in one queue.
   */
  enqueue<T>(
    _queue: string,
    _ids: readonly string[],
    store: (trace: TraceCarrier | undefined) => Promise<T>,
  ): Promise<T> {
    return store(undefined);
  }

  /** Runs a job inside its span; `trace` is what travelled with it. */
  process<T>(
    _job: JobContext,
    _trace: TraceCarrier | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    return work();
  }
}
