import { AsyncLocalStorage } from 'node:async_hooks';
import { InvalidJobError, type Job, type RunCounts } from '@kyu/nestjs';
import {
  didYouMean,
  JobRun,
  LateTimers,
  prepareJob,
  type HandlerRegistry,
  type JobDefinition,
  type JobScope,
  type KyuConfig,
  type WorkerIdentity,
} from '@kyu/nestjs/testing-internals';
import type { EntityManager } from 'typeorm';
import type { DrainOptions, PerformOptions } from './call-options.js';
import type { Faults } from './faults.js';
import { inTransaction } from './memory/memory.transactional-runner.js';

/** What a call of a handler needs of a registration. */
export interface HandlerParts {
  config: KyuConfig;
  handlers: HandlerRegistry;
  scope: JobScope;
  worker: WorkerIdentity;
}

/** What the test, or its application, enqueued. */
export interface Enqueued {
  id: string;
  scheduledAt: Date | undefined;
}

/** What a test can do with one registration, in whatever mode. */
export abstract class Testbed {
  /** What runs is nobody's: a handler that finds the test's own async context would not find it in production. */
  protected readonly asNobody = AsyncLocalStorage.snapshot();
  private readonly timers = new LateTimers();

  constructor(readonly parts: HandlerParts) {}

  abstract readonly faults: Faults;

  /** Every job that was enqueued, the oldest first, whatever became of it. */
  abstract jobs(): Promise<Job[]>;

  /** When a job was first to run: `scheduledAt` becomes the time of its retry. */
  abstract firstDueAt(job: Job): Date;

  abstract drain(options: DrainOptions): Promise<RunCounts>;

  /** Called when jobs are enqueued, or will be when their transaction commits. */
  async afterEnqueue(_jobs: readonly Enqueued[]): Promise<void> {
    // who works by itself needs no word
  }

  /** Called when a running job is to be cancelled. */
  async afterCancel(): Promise<void> {
    // as above
  }

  /** What a transactional handler writes by when the test says nothing. */
  protected abstract get manager(): EntityManager | undefined;

  protected abstract get isBooted(): boolean;

  /** Calls the handler as a run does, without a job. */
  async perform(
    type: string | JobDefinition,
    payload: unknown,
    { attempt = 1, manager, ...options }: PerformOptions,
  ): Promise<unknown> {
    this.expectBooted('perform()');
    if (!Number.isInteger(attempt) || attempt < 1)
      throw new InvalidJobError(
        `Expected attempt to be an integer from 1, got: ${attempt}.`,
      );
    const { config, handlers, scope, worker } = this.parts;
    const job = await prepareJob(config, handlers, type, payload, options);
    const handler = handlers.resolve(job.jobType);
    if (!handler) throw new Error(this.whyNoHandler(job.jobType));
    await scope.enqueue([job], async () => undefined); // captures the context that travels
    const now = new Date();
    const run = new JobRun(
      {
        ...job,
        contextJson: job.contextJson ?? null,
        retryCount: attempt - 1,
        crashCount: 0,
        token: attempt,
        createdAt: now,
        scheduledAt: job.scheduledAt ?? now,
        waitedMs: 0,
        claimedAt: performance.now(),
      },
      config.queueName,
      worker.id,
      this.timers,
    );
    const call = (): Promise<unknown> =>
      scope.run(run, handler, JSON.parse(job.payloadJson));
    return this.outermost(() =>
      handlers.isTransactional(job.jobType)
        ? inTransaction({ manager: manager ?? this.manager }, run, call)
        : call(),
    );
  }

  /** Calls what the test itself asks for. */
  protected outermost<T>(work: () => Promise<T>): Promise<T> {
    return this.asNobody(work);
  }

  protected expectBooted(what: string): void {
    if (!this.isBooted)
      throw new Error(
        `${what} needs an application that has booted, and is not closed: await module.init(), or app.init(), before it.`,
      );
  }

  private whyNoHandler(jobType: string): string {
    const { jobTypes } = this.parts.handlers;
    const meant = didYouMean(jobType, jobTypes);
    return (
      `No handler for the job type "${jobType}"${meant === undefined ? '' : `; did you mean "${meant}"?`} ` +
      (jobTypes.length > 0
        ? `This queue has handlers for: ${jobTypes.join(', ')}.`
        : 'This queue has no handlers: import the module that provides them.')
    );
  }
}
