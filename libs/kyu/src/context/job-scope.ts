import { Inject, Injectable } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import { InvalidJobError } from '../errors/kyu.errors.js';
import type { JobHandlerFunction } from '../handlers/handler.js';
import type { JobContext } from '../handlers/job-parameters.decorator.js';
import type { NewJob } from '../job/new-job.js';
import { messageOf } from '../runtime/describe-error.js';
import { asCurrentJob } from './current-job.js';
import { JobTracer } from './job-tracer.js';
import {
  decodeContext,
  encodeContext,
  encodeUserContext,
} from './stored-context.js';

/** What a run is to its scope. */
interface ScopedRun {
  readonly job: { readonly contextJson: string | null };
  readonly context: JobContext;
  withTimeout<T>(work: Promise<T>): Promise<T>;
}

/**
 * Is responsible for what travels beside the payload: it captures the context of whoever enqueues, in that caller's own async context and before calls are
 * coalesced, and opens it again around the handler, its guards, interceptors and pipes.
 */
@Injectable()
export class JobScope {
  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly tracer: JobTracer,
  ) {}

  /** Writes on the jobs what should travel with them, and stores them. @throws {InvalidJobError} when it cannot travel; nothing was stored. */
  enqueue<T>(jobs: readonly NewJob[], store: () => Promise<T>): Promise<T> {
    const userJson = this.capture();
    const ids = jobs.map(({ id }) => id);
    return this.tracer.enqueue(this.config.queueName, ids, (trace) => {
      const contextJson = encodeContext(userJson, trace);
      if (contextJson !== undefined)
        for (const job of jobs) job.contextJson = contextJson;
      return store();
    });
  }

  /** Calls the handler inside what travelled, within the job's timeout. */
  run(
    run: ScopedRun,
    handler: JobHandlerFunction,
    payload: unknown,
  ): Promise<unknown> {
    const { user, trace } = decodeContext(run.job.contextJson);
    const call = (): Promise<unknown> =>
      Promise.resolve(handler(payload, run.context));
    return this.tracer.process(run.context, trace, () =>
      run.withTimeout(this.within(run.context, user, call)),
    );
  }

  private within(
    job: JobContext,
    user: unknown,
    call: () => Promise<unknown>,
  ): Promise<unknown> {
    const { context, currentJob } = this.config;
    if (!context && !currentJob) return call();
    // `async` turns a synchronous throw into a rejection.
    const restored = async (): Promise<unknown> =>
      context ? context.run(user, call) : call();
    // Not for everyone: below Node 24 the first async context of a process makes each of its promises dearer.
    return currentJob ? asCurrentJob(job, restored) : restored();
  }

  private capture(): string | undefined {
    const { context } = this.config;
    if (!context) return undefined;
    let captured: unknown;
    try {
      captured = context.capture();
    } catch (error) {
      throw new InvalidJobError(
        `context.capture() threw: ${messageOf(error)}. Nothing was stored.`,
        { cause: error },
      );
    }
    return encodeUserContext(captured);
  }
}
