import { Inject, Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { KyuConfig } from '../config/kyu.config.js';
import { KyuEvents } from '../events/kyu-events.js';
import { Cadence } from '../runtime/cadence.js';
import type { KyuLog } from '../runtime/kyu-log.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { MaintenanceStore } from '../store/maintenance-store.js';
import { WorkerStore } from '../store/worker-store.js';
import { Scheduler } from './scheduler.js';

/** How precisely the period is kept. */
const TICK_MS = 250;
/** Rescue comes after heartbeatTimeout plus at most this; each look is one statement on the small index of running jobs. */
const MAX_PERIOD_MS = 5_000;
/** More at once would hold row locks too long; a full batch is followed by the next at once. */
const RESCUE_BATCH = 1_000;

/** What one run did. */
export interface ReaperCounts {
  rescued: number;
  dead: number;
  workersRemoved: number;
}

/**
 * Is responsible for the jobs of workers that are gone: it gives them back, or buries them when they keep killing their workers. It changes
 * Postgres only; the scheduler stages.
 */
@Injectable()
export class StaleReaper {
  private readonly cadence: Cadence<ReaperCounts>;
  private nextRemoval = 0;

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly store: MaintenanceStore,
    private readonly workers: WorkerStore,
    private readonly scheduler: Scheduler,
    private readonly events: KyuEvents,
    @Inject(KyuLogger) logger: KyuLog,
  ) {
    this.cadence = new Cadence(
      'Rescuing stale jobs',
      Math.min(MAX_PERIOD_MS, config.heartbeatTimeoutMs / 2),
      () => this.rescue(),
      logger,
    );
  }

  async start(): Promise<void> {
    this.cadence.start();
    await this.runOnce();
  }

  @Interval(TICK_MS)
  tick(): void {
    this.cadence.tick();
  }

  runOnce(): Promise<ReaperCounts> {
    return this.cadence.runNow();
  }

  stop(): Promise<void> {
    return this.cadence.stop();
  }

  /** Their rows only stand there: nothing reads them, and there is no hurry. */
  private async removeLostWorkers(): Promise<number> {
    const { queueName, heartbeatTimeoutMs } = this.config;
    if (performance.now() < this.nextRemoval) return 0;
    this.nextRemoval = performance.now() + heartbeatTimeoutMs * 2;
    const removed = await this.workers.removeLost(
      queueName,
      heartbeatTimeoutMs,
    );
    return removed.length;
  }

  private async rescue(): Promise<ReaperCounts> {
    const { queueName, heartbeatTimeoutMs, staleJobTimeoutMs, maxCrashes } =
      this.config;
    const counts: ReaperCounts = { rescued: 0, dead: 0, workersRemoved: 0 };
    for (;;) {
      const jobs = await this.store.rescueStale(queueName, {
        heartbeatTimeoutMs,
        staleJobTimeoutMs,
        maxCrashes,
        limit: RESCUE_BATCH,
      });
      for (const job of jobs) {
        if (job.status === 'dead') counts.dead++;
        else counts.rescued++;
        this.events.emit('job.rescued', job);
      }
      if (jobs.length < RESCUE_BATCH) break;
    }
    counts.workersRemoved = await this.removeLostWorkers();
    if (counts.rescued + counts.dead > 0) this.scheduler.refillSoon();
    return counts;
  }
}
