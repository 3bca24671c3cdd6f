import { Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import { JobScope } from '../context/job-scope.js';
import {
  InvalidJobError,
  JobNotCancellableError,
  JobNotFoundError,
} from '../errors/kyu.errors.js';
import { KyuEvents } from '../events/kyu-events.js';
import type {
  JobHandlerFunction,
  RegisterOptions,
} from '../handlers/handler.js';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import type { Job } from '../job/job.entity.js';
import {
  JobDefinition,
  type InputOf,
  type JobType,
} from '../job/job-definition.js';
import type { EnqueueOptions, NewJob } from '../job/new-job.js';
import { DatabaseClock } from '../runtime/database-clock.js';
import { showValue } from '../runtime/show-value.js';
import { JobReader } from '../store/job-reader.js';
import { JobStore } from '../store/job-store.js';
import { Announcer } from './announcer.js';
import { checkBatch, checkBatchBytes } from './batch-limits.js';
import { checkId } from './check-id.js';
import {
  splitTransaction,
  type EnqueueTransaction,
  type Through,
} from './enqueue-transaction.js';
import { JobInserter } from './job-inserter.js';
import { JobRunner, type RunCounts } from './job-runner.js';
import { OpenCalls } from './open-calls.js';
import { prepareAll } from './prepare-all.js';
import { prepareJob } from './prepare-job.js';
import { refuseOtherQueue } from './refuse-other-queue.js';
import { TransactionalEnqueue } from './transactional-enqueue.js';

const MAX_PAGE = 1_000;

/**
 * One job of `enqueueMany()`.
 *
 * @publicApi
 */
export interface JobToEnqueue<
  Type extends JobType = JobType,
> extends EnqueueOptions {
  type: Type;
  payload: InputOf<Type>;
}

/**
 * A page of `deadJobs()`.
 *
 * @publicApi
 */
export interface DeadJobsPage {
  /** At most this many, up to 1000. @default 100 */
  limit?: number;
  /** Go on below this job: the id of the last one of the page before. */
  before?: string;
}

/**
 * The queue, as an application uses it.
 *
 * @publicApi
 */
@Injectable()
export class QueueService {
  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly store: JobStore,
    private readonly reader: JobReader,
    private readonly handlers: HandlerRegistry,
    private readonly scope: JobScope,
    private readonly runner: JobRunner,
    /** What happens to this queue's jobs in this process. */
    readonly events: KyuEvents,
    private readonly transactions: TransactionalEnqueue,
    private readonly inserter: JobInserter,
    private readonly announcer: Announcer,
    private readonly calls: OpenCalls,
    private readonly clock: DatabaseClock,
  ) {}

  /**
   * Stores a job. When the promise resolves it is committed: it will run, whatever happens to this process or to Redis.
   * With a `manager` or `client` it is part of the caller's transaction instead: it is there when that has committed, and never if it does not.
   *
   * @param type what `defineJob()` made, or the name its handler is registered under; a type that nobody handles yet waits.
   * @param payload anything JSON can hold, at most 1 MiB of it. A string stays that string. If the definition has a schema (or that of this
   * process's handler of that name), what the schema makes of it is stored.
   * @returns the id of the job, a UUIDv7.
   * @throws {InvalidJobError} for a bad type, payload or option; nothing was stored.
   * @throws {PostgresUnavailableError} whose `outcome` says whether the job may have been stored all the same.
   * @throws {QueueClosedError} once the application has closed; nothing was stored.
   */
  async enqueue<Type extends JobType>(
    type: Type,
    payload: InputOf<Type>,
    options: EnqueueOptions & EnqueueTransaction = {},
  ): Promise<string> {
    this.calls.enter();
    try {
      const { transaction, own } = splitTransaction(options);
      const prepared = this.prepare(type, payload, own);
      const job = prepared instanceof Promise ? await prepared : prepared;
      const through = this.transactions.through(transaction);
      await this.scope.enqueue<unknown>([job], () =>
        through ? this.enlist(through, [job]) : this.inserter.insertOne(job),
      );
      return job.id;
    } finally {
      this.calls.leave();
    }
  }

  /**
   * Stores many jobs in one statement: all of them or, if one is invalid, none.
   *
   * @param jobs at most 10 000.
   * @param transaction of the caller, for all of them.
   * @returns their ids, in the same order.
   * @throws {InvalidJobError} that names the first invalid job; nothing was stored.
   */
  async enqueueMany<const Types extends readonly JobType[]>(
    jobs: readonly [...{ [Job in keyof Types]: JobToEnqueue<Types[Job]> }],
    transaction: EnqueueTransaction = {},
  ): Promise<string[]> {
    this.calls.enter();
    try {
      checkBatch(jobs);
      if (jobs.length === 0) return [];
      const rows = await prepareAll(jobs, (...job) => this.prepare(...job));
      checkBatchBytes(rows);
      const through = this.transactions.through(transaction);
      await this.scope.enqueue<unknown>(rows, () =>
        through ? this.enlist(through, rows) : this.inserter.insert(rows),
      );
      return rows.map(({ id }) => id);
    } finally {
      this.calls.leave();
    }
  }

  /**
   * Stages jobs that were enqueued by a `client`, once its transaction has committed: they start at once, and not only when a worker finds them. Ids of jobs
   * that are not there, or no longer wait, do nothing.
   *
   * @throws {InvalidJobError}
   */
  async stage(ids: string | readonly string[]): Promise<void> {
    await this.calls.during(async () => {
      const checked = [ids].flat().map(checkId);
      this.announcer.stage(await this.transactions.findWaiting(checked));
    });
  }

  /** The job with its history. @throws {InvalidJobError | JobNotFoundError} */
  inspect(id: string): Promise<Job> {
    return this.calls.during(() => this.find(checkId(id)));
  }

  /** Jobs that have no retries left, the newest first. @throws {InvalidJobError} */
  async deadJobs({ limit = 100, before }: DeadJobsPage = {}): Promise<Job[]> {
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE)
      throw new InvalidJobError(
        `Expected limit to be an integer from 1 to ${MAX_PAGE}, got: ${showValue(limit)}.`,
      );
    const below = before === undefined ? undefined : checkId(before);
    return this.calls.during(() =>
      this.reader.findDead(this.config.queueName, limit, below),
    );
  }

  /**
   * Cancels a job. When it resolves, no new run of it starts.
   *
   * @returns `'cancelled'` for a job that was waiting. `'cancelling'` for one that runs: its handler's signal aborts within a second, in
   * whatever process it is, and it ends `cancelled` whatever the handler does.
   * @throws {InvalidJobError | JobNotFoundError | JobNotCancellableError}
   */
  async cancelJob(id: string): Promise<'cancelled' | 'cancelling'> {
    const { queueName } = this.config;
    return this.calls.during(async () => {
      const job = await this.store.cancelIfUnfinished(queueName, checkId(id));
      if (!job)
        throw new JobNotCancellableError(id, (await this.find(id)).status);
      const { jobType, running } = job;
      this.events.emit(running ? 'job.cancelRequested' : 'job.cancelled', {
        id,
        jobType,
      });
      return running ? 'cancelling' : 'cancelled';
    });
  }

  /**
   * Runs what is due now, and what that enqueues in turn, then returns: for cron and Kubernetes jobs. For a module that does not work by
   * itself: `mode: 'producer'`.
   *
   * @throws {KyuBusyError} when this module is working already.
   * @throws {QueueClosedError} once the application has begun to close.
   */
  runOnce(): Promise<RunCounts> {
    return this.calls.during(() => this.runner.runOnce());
  }

  /**
   * Sets the handler of a job type, in place of the one it had, decorated or not.
   *
   * @throws {InvalidJobError} for a bad type, handler or option, and for a definition of another queue.
   */
  register<Payload, Result>(
    type: JobDefinition<Payload, Result, unknown>,
    handler: JobHandlerFunction<Payload, Result>,
    options?: RegisterOptions,
  ): void;
  register<Payload = unknown>(
    type: string,
    handler: JobHandlerFunction<Payload>,
    options?: RegisterOptions,
  ): void;
  register(
    type: string | JobDefinition,
    handler: JobHandlerFunction<never>,
    options: RegisterOptions = {},
  ): void {
    if (type instanceof JobDefinition)
      refuseOtherQueue(
        type,
        this.config.name,
        'register its handler',
        'registered',
      );
    this.handlers.register(type, handler as JobHandlerFunction, options);
  }

  /** Adds an interceptor around every job, inside those that are there already. */
  use(interceptor: NestInterceptor): void {
    this.handlers.use(interceptor);
  }

  private prepare(
    type: JobType,
    payload: unknown,
    options: EnqueueOptions,
  ): NewJob | Promise<NewJob> {
    return prepareJob(
      this.config,
      this.handlers,
      type,
      payload,
      options,
      this.clock,
    );
  }

  /** Stores the jobs in the caller's transaction; if there is none, as those of any other call. */
  private async enlist(
    through: Through,
    jobs: readonly NewJob[],
  ): Promise<void> {
    const taken = await this.transactions.enqueue(through, jobs, (stored) =>
      this.announcer.acknowledge(stored),
    );
    if (!taken) await this.inserter.insert(jobs);
  }

  private async find(id: string): Promise<Job> {
    const job = await this.reader.find(this.config.queueName, id);
    if (!job) throw new JobNotFoundError(id, this.config.queueName);
    return job;
  }
}
