import { Inject, Injectable, type LoggerService } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import { KyuEvents } from '../events/kyu-events.js';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import { encodeResult } from '../job/json-limits.js';
import { DueAlarm } from '../runtime/due-alarm.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { WorkerIdentity } from '../runtime/worker-identity.js';
import { JobStore, type ClaimedJob, type Outcome } from '../store/job-store.js';
import { decideFailure } from './decide-outcome.js';
import { JobRun } from './job-run.js';

/** Between tries to settle while Postgres does not answer: doubled from the first to the last. */
const SETTLE_RETRY_MS = { first: 100, last: 5_000 };

/** How a run ended, for those who count: `released` and `fenced` left nothing behind. */
export type RunEnd = Outcome['status'] | 'released' | 'fenced';

/** Is responsible for a claimed job until its end is stored. The only caller of handlers. */
@Injectable()
export class JobExecutor {
  private readonly runs = new Set<JobRun>();

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly handlers: HandlerRegistry,
    private readonly store: JobStore,
    private readonly alarm: DueAlarm,
    private readonly events: KyuEvents,
    private readonly worker: WorkerIdentity,
    @Inject(KyuLogger) private readonly logger: LoggerService,
  ) {}

  /** How many jobs run now. */
  get running(): number {
    return this.runs.size;
  }

  /** Runs the job and stores how it ended. Never rejects. */
  async execute(job: ClaimedJob): Promise<RunEnd> {
    const run = new JobRun(job, this.config.queueName, this.worker.id);
    this.runs.add(run);
    try {
      const outcome = await this.callHandler(run);
      return await this.settle(run, outcome);
    } finally {
      this.runs.delete(run);
    }
  }

  /** Aborts the signals of all runs and gives their jobs back, due at once, their attempts restored. */
  async releaseAll(reason: Error): Promise<number> {
    const runs = [...this.runs].filter(({ released }) => !released);
    if (runs.length === 0) return 0;
    for (const run of runs) {
      run.released = true;
      run.abort(reason);
    }
    const released = await this.store.releaseIfOwned(
      runs.map(({ job: { id, token } }) => ({ id, token })),
    );
    for (const { job } of runs)
      if (released.has(job.id))
        this.events.emit('job.released', { id: job.id, jobType: job.jobType });
    return released.size;
  }

  /** The outcome of the handler, whatever it does. */
  private async callHandler(run: JobRun): Promise<Outcome> {
    const { job } = run;
    try {
      const handler = this.handlers.resolve(job.jobType);
      if (!handler) throw new Error(`No handler for "${job.jobType}".`); // only known types are claimed
      const payload: unknown = JSON.parse(job.payloadJson);
      // `async` turns a synchronous throw into a rejection.
      const call = async (): Promise<unknown> => handler(payload, run.context);
      const result = await run.withTimeout(call());
      return this.completed(job, result);
    } catch (thrown) {
      return decideFailure(job, thrown, this.config.backoff);
    }
  }

  private completed(job: ClaimedJob, result: unknown): Outcome {
    const { json, dropped } = encodeResult(result);
    if (dropped !== undefined)
      this.logger.warn(
        `The result of job ${job.id} (${job.jobType}) is not kept: ${dropped}.`,
      );
    return { status: 'completed', resultJson: json };
  }

  /** Stores the outcome. While Postgres does not answer it is kept and tried again; it is dropped only if the job is ours no more. */
  private async settle(run: JobRun, outcome: Outcome): Promise<RunEnd> {
    const { id, jobType, token } = run.job;
    const { durationMs } = run;
    let delay = SETTLE_RETRY_MS.first;
    for (;;) {
      if (run.released) return 'released';
      try {
        const settled = await this.store.settleIfOwned([
          { id, token, outcome },
        ]);
        if (!settled.has(id)) {
          this.events.emit('lease.lost', { id, jobType, token });
          return 'fenced';
        }
        break;
      } catch (error) {
        this.logger.warn(
          `The outcome of job ${id} (${jobType}) could not be stored yet: ${(error as Error).message}`,
        );
        await new Promise((resolve) => setTimeout(resolve, delay));
        delay = Math.min(delay * 2, SETTLE_RETRY_MS.last);
      }
    }
    if (outcome.status === 'failed') this.alarm.noteDueIn(outcome.retryInMs);
    this.events.emit('job.settled', {
      id,
      jobType,
      durationMs,
      status: outcome.status,
      ...('error' in outcome && { error: outcome.error }),
    });
    return outcome.status;
  }
}
