import { setMaxListeners } from 'node:events';
import type { EntityManager } from 'typeorm';
import { JobTimeoutError } from '../errors/run.errors.js';
import type { JobContext } from '../handlers/job-parameters.decorator.js';
import { ABORT_REASON } from '../job/job-context.js';
import type { LateTimer, LateTimers } from '../runtime/late-timers.js';
import type { ClaimedJob } from '../store/job-store.js';

/** What a handler is told. A class, for a literal with a getter costs ten times as much, for each job. */
class RunContext implements JobContext {
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  readonly attempt: number;
  readonly maxRetries: number;
  readonly priority: number;
  readonly createdAt: Date;
  readonly scheduledAt: Date;
  readonly timeoutMs: number;
  readonly worker: string;
  readonly token: number;
  readonly #run: JobRun;

  constructor(job: ClaimedJob, queue: string, worker: string, run: JobRun) {
    this.id = job.id;
    this.type = job.jobType;
    this.queue = queue;
    this.attempt = job.retryCount + 1;
    this.maxRetries = job.maxRetries;
    this.priority = job.priority;
    this.createdAt = job.createdAt;
    this.scheduledAt = job.scheduledAt;
    this.timeoutMs = job.timeoutMs;
    this.worker = worker;
    this.token = job.token;
    this.#run = run;
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }

  get [ABORT_REASON](): Error | undefined {
    return this.#run.aborted;
  }
}

/** One run of a job in this process: its clock, its signal, and what its handler is told. */
export class JobRun {
  readonly startedAt = performance.now();
  readonly context: JobContext;
  /** Given back: whatever the handler still does has no outcome any more. */
  released = false;
  /** Its handler is done; only the outcome is left to store. */
  returned = false;
  /** The transaction of its handler was committed, and the job settled with it. */
  committed = false;
  private controller: AbortController | undefined;
  private abortReason: Error | undefined;
  private timer: LateTimer | undefined;

  constructor(
    readonly job: ClaimedJob,
    queue: string,
    worker: string,
    private readonly timers: LateTimers,
  ) {
    this.context = new RunContext(job, queue, worker, this);
  }

  get durationMs(): number {
    return performance.now() - this.startedAt;
  }

  /** Why its signal aborted, if it did. */
  get aborted(): Error | undefined {
    return this.abortReason;
  }

  /** What its handler writes by this manager belongs to the run. Not enumerable: who logs a context does not want all of TypeORM. */
  enter(manager: EntityManager): void {
    Object.defineProperty(this.context, 'manager', { value: manager });
  }

  /** Its job was given back: nothing waits for the handler any more, not even its timeout. */
  release(reason: Error): void {
    this.released = true;
    this.timer?.cancel();
    this.abort(reason);
  }

  abort(reason: Error): void {
    this.abortReason ??= reason;
    this.controller?.abort(this.abortReason);
  }

  /** Rejects with a {@link JobTimeoutError} when `work` takes longer than the job's timeout, and aborts its signal. */
  withTimeout<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.timers.set(this.job.timeoutMs, () => {
        const error = new JobTimeoutError(this.job.timeoutMs);
        this.abort(error);
        reject(error);
      });
      this.timer = timer;
      work.then(
        (result) => {
          timer.cancel();
          resolve(result);
        },
        (error: unknown) => {
          timer.cancel();
          reject(error as Error);
        },
      );
    });
  }

  /** Made when somebody looks: most handlers never do. */
  get signal(): AbortSignal {
    if (!this.controller) {
      this.controller = new AbortController();
      // Node 20 takes eleven waits of one handler for a leak.
      setMaxListeners(Infinity, this.controller.signal);
      if (this.abortReason) this.controller.abort(this.abortReason);
    }
    return this.controller.signal;
  }
}
