import { Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import { JobScope } from '../context/job-scope.js';
import {
  InvalidJobError,
  JobNotCancellableError,
  JobNotFoundError,
} from '../errors/kyu.errors.js';
import { KyuEvents } from '../events/kyu-events.js';
import type { JobHandlerFunction } from '../handlers/handler.js';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import type { Job } from '../job/job.entity.js';
import type { InputOf, JobDefinition, JobType } from '../job/job-definition.js';
import type { EnqueueOptions, JobDefaults, NewJob } from '../job/new-job.js';
import { ReadyQueue } from '../ready-queue/ready-queue.js';
import { Coalescer } from '../runtime/coalescer.js';
import { messageOf } from '../runtime/describe-error.js';
import { DueAlarm } from '../runtime/due-alarm.js';
import { showValue } from '../runtime/show-value.js';
import { isUuid } from '../runtime/uuid-v7.js';
import { JobReader } from '../store/job-reader.js';
import { JobStore, type EnqueuedJob } from '../store/job-store.js';
import { isRefusedData } from '../store/postgres-errors.js';
import { JobRunner, type RunCounts } from './job-runner.js';
import { prepareJob } from './prepare-job.js';

/** More in one statement would hold its locks and its memory too long. */
const MAX_BATCH = 10_000;
/** One message to the server; V8 has no strings above half a gigabyte. */
const MAX_BATCH_BYTES = 64 * 1024 * 1024;
const MAX_PAGE = 1_000;
/** Beyond this a batch waits longer for its own rows than it saves. */
const MAX_COALESCED = 500;
/** Large payloads gain nothing by travelling together. */
const MAX_COALESCED_BYTES = 4 * 1024 * 1024;

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
  /** Calls of the same moment share a statement and its commit: this is worth twenty times the throughput of one commit each. */
  private readonly inserts = new Coalescer<NewJob, EnqueuedJob>(
    (jobs) => this.insert(jobs),
    {
      maxBatch: MAX_COALESCED,
      maxBytes: MAX_COALESCED_BYTES,
      weigh: ({ payloadJson }) => payloadJson.length,
      splitOn: isRefusedData,
    },
  );

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly store: JobStore,
    private readonly reader: JobReader,
    private readonly readyQueue: ReadyQueue,
    private readonly handlers: HandlerRegistry,
    private readonly scope: JobScope,
    private readonly runner: JobRunner,
    private readonly alarm: DueAlarm,
    /** What happens to this queue's jobs in this process. */
    readonly events: KyuEvents,
  ) {}

  /**
   * Stores a job. When the promise resolves it is committed: it will run, whatever happens to this process or to Redis.
   *
   * @param type what `defineJob()` made, or the name its handler is registered under; a type that nobody handles yet waits.
   * @param payload anything JSON can hold, at most 1 MiB of it. A string stays that string. If the definition has a schema (or that of this
   * process's handler of that name), what the schema makes of it is stored.
   * @returns the id of the job, a UUIDv7.
   * @throws {InvalidJobError} for a bad type, payload or option; nothing was stored.
   */
  async enqueue<Type extends JobType>(
    type: Type,
    payload: InputOf<Type>,
    options: EnqueueOptions = {},
  ): Promise<string> {
    const prepared = this.prepare(type, payload, options);
    const job = prepared instanceof Promise ? await prepared : prepared;
    const stored = await this.scope.enqueue([job], () => this.inserts.add(job));
    return stored.id;
  }

  /**
   * Stores many jobs in one statement: all of them or, if one is invalid, none.
   *
   * @param jobs at most 10 000.
   * @returns their ids, in the same order.
   * @throws {InvalidJobError} that names the first invalid job; nothing was stored.
   */
  async enqueueMany<const Types extends readonly JobType[]>(
    jobs: readonly [...{ [Job in keyof Types]: JobToEnqueue<Types[Job]> }],
  ): Promise<string[]> {
    if (!Array.isArray(jobs))
      throw new InvalidJobError(
        `enqueueMany() takes an array of { type, payload }, got: ${showValue(jobs)}. Nothing was stored.`,
      );
    if (jobs.length > MAX_BATCH)
      throw new InvalidJobError(
        `enqueueMany() takes at most ${MAX_BATCH} jobs, got ${jobs.length}; call it several times. Nothing was stored.`,
      );
    if (jobs.length === 0) return [];
    const rows: NewJob[] = [];
    for (const [index, job] of jobs.entries())
      try {
        const { type, payload, ...options } = Object(job) as JobToEnqueue;
        const row = this.prepare(type, payload, options);
        rows.push(row instanceof Promise ? await row : row);
      } catch (error) {
        throw new InvalidJobError(
          `Job ${index} of ${jobs.length}: ${messageOf(error)}`,
          { cause: error, issues: (error as InvalidJobError).issues },
        );
      }
    const bytes = rows.reduce(
      (sum, { payloadJson }) => sum + Buffer.byteLength(payloadJson),
      0,
    );
    if (bytes > MAX_BATCH_BYTES)
      throw new InvalidJobError(
        `The payloads of these ${jobs.length} jobs have ${bytes} bytes together, the limit is ${MAX_BATCH_BYTES}; call enqueueMany() several times. Nothing was stored.`,
      );
    const stored = await this.scope.enqueue(rows, () => this.insert(rows));
    return stored.map(({ id }) => id);
  }

  /** The job with its history. @throws {InvalidJobError | JobNotFoundError} */
  async inspect(id: string): Promise<Job> {
    const job = await this.reader.find(this.config.queueName, checkId(id));
    if (!job) throw new JobNotFoundError(id, this.config.queueName);
    return job;
  }

  /** Jobs that have no retries left, the newest first. @throws {InvalidJobError} */
  async deadJobs({ limit = 100, before }: DeadJobsPage = {}): Promise<Job[]> {
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE)
      throw new InvalidJobError(
        `Expected limit to be an integer from 1 to ${MAX_PAGE}, got: ${showValue(limit)}.`,
      );
    return this.reader.findDead(
      this.config.queueName,
      limit,
      before === undefined ? undefined : checkId(before),
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
    const job = await this.store.cancelIfUnfinished(queueName, checkId(id));
    if (!job)
      throw new JobNotCancellableError(id, (await this.inspect(id)).status);
    const { jobType, running } = job;
    this.events.emit(running ? 'job.cancelRequested' : 'job.cancelled', {
      id,
      jobType,
    });
    return running ? 'cancelling' : 'cancelled';
  }

  /**
   * Runs what is due now, and what that enqueues in turn, then returns: for cron and Kubernetes jobs. For a module that does not work by
   * itself: `mode: 'producer'`.
   *
   * @throws {KyuBusyError} when this module is working already.
   */
  runOnce(): Promise<RunCounts> {
    return this.runner.runOnce();
  }

  /**
   * Sets the handler of a job type, in place of the one it had, decorated or not.
   *
   * @throws {InvalidJobError}
   */
  register<Payload, Result>(
    type: JobDefinition<Payload, Result, unknown>,
    handler: JobHandlerFunction<Payload, Result>,
    defaults?: JobDefaults,
  ): void;
  register<Payload = unknown>(
    type: string,
    handler: JobHandlerFunction<Payload>,
    defaults?: JobDefaults,
  ): void;
  register(
    type: string | JobDefinition,
    handler: JobHandlerFunction<never>,
    defaults: JobDefaults = {},
  ): void {
    this.handlers.register(type, handler as JobHandlerFunction, defaults);
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
    return prepareJob(this.config, this.handlers, type, payload, options);
  }

  private async insert(jobs: readonly NewJob[]): Promise<EnqueuedJob[]> {
    const stored = await this.store.enqueue(this.config.queueName, jobs);
    for (const { id, jobType, status } of stored)
      this.events.emit('job.enqueued', { id, jobType, status });
    this.announce(stored);
    return stored;
  }

  /** The jobs are safe; what follows only makes them start sooner. Nobody waits for it. */
  private announce(stored: readonly EnqueuedJob[]): void {
    const pending = stored.filter(({ status }) => status === 'pending');
    if (pending.length > 0)
      this.readyQueue
        .stage(pending)
        .catch(() =>
          this.events.emit('stage.failed', { count: pending.length }),
        );
    for (const { status, dueInMs } of stored)
      if (status === 'scheduled') this.alarm.noteDueIn(dueInMs);
  }
}

/** @throws {InvalidJobError} */
function checkId(id: string): string {
  if (!isUuid(id))
    throw new InvalidJobError(
      `Expected the id of a job, a UUID, got: ${showValue(id)}.`,
    );
  return id.toLowerCase();
}
