import { Inject, Injectable } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import { KyuBusyError, QueueClosedError } from '../errors/kyu.errors.js';
import { WorkerStoppingError } from '../errors/run.errors.js';
import { JobRunner, type RunCounts } from '../queue/job-runner.js';
import type { WorkerPulse, WorkerWatch } from '../queue/worker-watch.js';
import type { KyuLog } from '../runtime/kyu-log.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { isOutage } from '../runtime/is-outage.js';
import { MaintenanceStore } from '../store/maintenance-store.js';
import { CancelWatch } from './cancel-watch.js';
import { Claimer } from './claimer.js';
import { Dispatcher } from './dispatcher.js';
import { Heartbeat } from './heartbeat.js';
import { JobExecutor } from './job-executor.js';
import { nameJobs } from './name-jobs.js';
import type { RunEnd } from './settler.js';

/** Due jobs that one runOnce() step promotes. */
const PROMOTE_BATCH = 1_000;
/** Outcomes that wait to be stored while runOnce() claims nothing: a slow Postgres must not fill the memory. */
const MAX_UNSETTLED = 1_000;

/** Is responsible for working through the queue: on and on between start and stop, or once. */
@Injectable()
export class WorkerService extends JobRunner implements WorkerWatch {
  /** The runOnce() under way. */
  private once: Promise<RunCounts> | undefined;
  private stopping = false;
  private startedAt: number | undefined;
  /** Ends the wait of a runOnce() for runs that were given back. */
  private abandon: () => void = () => undefined;

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly dispatcher: Dispatcher,
    private readonly claimer: Claimer,
    private readonly executor: JobExecutor,
    private readonly heartbeat: Heartbeat,
    private readonly cancelWatch: CancelWatch,
    private readonly maintenance: MaintenanceStore,
    @Inject(KyuLogger) private readonly logger: KyuLog,
  ) {
    super();
  }

  /** The registry first: a job whose worker is not in it counts as lost. */
  async start(): Promise<void> {
    await this.heartbeat.start();
    this.cancelWatch.start();
    this.dispatcher.start();
    this.startedAt = performance.now();
  }

  get pulse(): WorkerPulse {
    const { startedAt } = this;
    return {
      state:
        startedAt === undefined
          ? 'none'
          : this.stopping
            ? 'stopped'
            : 'started',
      fenced: this.heartbeat.fenced,
      freeSlots: this.dispatcher.freeSlots,
      sinceClaimMs: Math.min(
        this.claimer.sinceClaimMs,
        performance.now() - (startedAt ?? 0),
      ),
    };
  }

  /** No new claims; running handlers may finish within the drain timeout; what is left is given back. */
  async stop(): Promise<void> {
    const { once } = this;
    this.stopping = true; // ends a runOnce() after what it runs now, and none begins
    if (!this.dispatcher.started && !once) return;
    const running = this.executor.running;
    if (running > 0)
      this.logger.log(
        `Stopping: waiting for ${running} running job(s): ${nameJobs(this.executor.runningJobs)}.`,
      );
    const hurried = new Promise<false>((resolve) => {
      this.hurry = () => resolve(false);
    });
    // A claim that is under way in an outage may take as long as its connection: it counts, too.
    const drained = within(this.config.drainTimeoutMs, this.drain(once));
    if (!(await Promise.race([drained, hurried]))) await this.giveBack();
    this.abandon();
    await once?.catch(() => undefined); // its caller is told
    await this.cancelWatch.stop();
    await this.heartbeat.stop();
  }

  private async drain(once: Promise<RunCounts> | undefined): Promise<void> {
    if (this.dispatcher.started) await this.dispatcher.stop();
    await Promise.all([this.dispatcher.drained(), once]);
    await this.dispatcher.lookForStrays();
  }

  /** Ends the patience of a stop() under way: what runs is given back now. */
  hurry: () => void = () => undefined;

  /** Never rejects: who stops must come to an end. What cannot be given back is rescued by others. */
  private async giveBack(): Promise<void> {
    const unfinished = `${this.executor.running} job(s) did not finish in time (${nameJobs(this.executor.runningJobs)})`;
    try {
      const released = await this.executor.releaseAll(
        new WorkerStoppingError(),
      );
      this.logger.warn(`${unfinished}; ${released} of them were given back.`);
    } catch (error) {
      this.logger.error(
        `${unfinished} and could not be given back (${isOutage(error) ? 'PostgreSQL cannot be used' : (error as Error).message}); other workers will take them when this one's heartbeat is too old.`,
      );
    }
  }

  override async runOnce(): Promise<RunCounts> {
    if (this.stopping) throw new QueueClosedError();
    if (this.dispatcher.started || this.once)
      throw new KyuBusyError(
        this.once
          ? 'runOnce() is running already; wait for it.'
          : "runOnce() is for a module that does not work by itself: set mode: 'producer' (or KYU_MODE=producer) in the process that calls it.",
      );
    this.once = this.workOnce();
    try {
      return await this.once;
    } finally {
      this.once = undefined;
    }
  }

  private async workOnce(): Promise<RunCounts> {
    try {
      await this.heartbeat.start();
      this.cancelWatch.start();
      return await this.drainDue();
    } finally {
      await this.cancelWatch.stop();
      await this.heartbeat.stop();
    }
  }

  /** Straight from Postgres: it knows what is due, Redis only what was staged. */
  private async drainDue(): Promise<RunCounts> {
    const counts: RunCounts = { claimed: 0, completed: 0, failed: 0, dead: 0 };
    /** Handlers under way; and those whose outcome is not stored, too. */
    const busy = new Set<Promise<void>>();
    const running = new Set<Promise<void>>();
    const abandoned = new Promise<'abandoned'>((resolve) => {
      this.abandon = () => resolve('abandoned');
    });
    const count = (end: RunEnd): void => {
      if (end === 'completed' || end === 'failed' || end === 'dead')
        counts[end]++;
    };
    for (;;) {
      if (!this.stopping)
        await this.maintenance.promoteDue(this.config.queueName, PROMOTE_BATCH);
      const jobs = this.stopping
        ? []
        : await this.claimer.claimWaiting(this.config.workers - busy.size);
      counts.claimed += jobs.length;
      for (const job of jobs) {
        const slot: Promise<void> = new Promise((free) => {
          const run: Promise<void> = this.executor
            .execute(job, () => {
              busy.delete(slot);
              free();
            })
            .then(count)
            .finally(() => running.delete(run));
          running.add(run);
        });
        busy.add(slot);
      }
      if (jobs.length === 0 && running.size === 0) return counts;
      // Look again when a slot is free; or, with nothing more to claim or too much to store, when a run ends: it may have enqueued something.
      const wait =
        jobs.length === 0 || running.size > MAX_UNSETTLED
          ? running
          : busy.size === this.config.workers
            ? busy
            : undefined;
      if (wait && (await Promise.race([...wait, abandoned])) === 'abandoned')
        return counts;
    }
  }
}

/** Whether `work` is done within the time. */
async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  const done = work.then(
    () => true,
    () => true,
  );
  return Promise.race([done, timeout]).finally(() => clearTimeout(timer));
}
