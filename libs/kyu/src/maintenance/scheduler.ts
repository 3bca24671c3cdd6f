import { Inject, Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { KyuConfig } from '../config/kyu.config.js';
import { KyuEvents } from '../events/kyu-events.js';
import { ReadyQueue, type ReadyJob } from '../ready-queue/ready-queue.js';
import { Cadence } from '../runtime/cadence.js';
import { DueAlarm } from '../runtime/due-alarm.js';
import type { KyuLog } from '../runtime/kyu-log.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { MaintenanceStore } from '../store/maintenance-store.js';

/** How precisely the periods below are kept. */
const TICK_MS = 250;
/**
 * The alarm rings for every job that this process knows of; the poll finds those that others scheduled. A job
 * of a process that ended right after enqueueing it starts late by at most this.
 */
const PROMOTE_PERIOD_MS = 3_000;
/** After a `FLUSHALL` every due job is back in the window within this time, also when nobody noticed. */
const REFILL_PERIOD_MS = 4_000;
/** More at once would hold row locks too long; a full batch is followed by the next at once. */
const PROMOTE_BATCH = 1_000;

/** What one run did. */
export interface SchedulerCounts {
  promoted: number;
  refilled: number;
}

/**
 * Is responsible for putting waiting jobs where workers find them: it promotes what has come due, and refills the window of the ready queue
 * from the top of Postgres's order. The refill of every day is also the recovery from a lost Redis.
 */
@Injectable()
export class Scheduler {
  private readonly promoting: Cadence<number>;
  private readonly refilling: Cadence<number>;
  private readonly goingOn: Cadence<number>;
  /** The last id that was left in the ready queue when few were. */
  private tail: ReadyJob | undefined;
  /** Ids were popped here whose jobs somebody else runs: they wait before the tail. */
  private passedOver = false;
  private polling = false;

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly store: MaintenanceStore,
    private readonly readyQueue: ReadyQueue,
    private readonly alarm: DueAlarm,
    private readonly events: KyuEvents,
    @Inject(KyuLogger) logger: KyuLog,
  ) {
    events.on('job.unhandled', () => {
      this.passedOver = true;
    });
    this.promoting = new Cadence(
      'Promoting due jobs',
      PROMOTE_PERIOD_MS,
      () => this.promote(),
      logger,
    );
    this.refilling = new Cadence(
      'Refilling the ready queue',
      REFILL_PERIOD_MS,
      () => this.refill(),
      logger,
    );
    this.goingOn = new Cadence(
      'Refilling the ready queue',
      Number.POSITIVE_INFINITY, // when few are left, and never by the clock
      () => this.goOn(),
      logger,
    );
  }

  /** From now on it follows the alarm and the ready queue's calls; its periodic ticks count too if `polling`. */
  async start(polling: boolean): Promise<void> {
    this.alarm.onRing(() => this.promoting.runSoon());
    // Each pop says it anew while few are left: the refill under way is the answer, and one more would bring the same.
    this.readyQueue.onLow = (tail) => {
      this.tail = tail;
      this.goingOn.runUnlessRunning();
    };
    this.readyQueue.onBack = () => this.refillSoon();
    this.polling = polling;
    this.promoting.start();
    this.refilling.start();
    this.goingOn.start();
    if (polling) await this.runOnce();
  }

  @Interval(TICK_MS)
  tick(): void {
    if (!this.polling) return;
    this.promoting.tick();
    this.refilling.tick();
  }

  async runOnce(): Promise<SchedulerCounts> {
    return {
      promoted: await this.promoting.runNow(),
      refilled: await this.refilling.runNow(),
    };
  }

  /** Something became pending that nobody staged. */
  refillSoon(): void {
    this.refilling.runSoon();
  }

  async stop(): Promise<void> {
    this.alarm.onRing(undefined);
    this.readyQueue.onLow = () => undefined;
    this.readyQueue.onBack = () => undefined;
    await Promise.all([
      this.promoting.stop(),
      this.refilling.stop(),
      this.goingOn.stop(),
    ]);
  }

  private async promote(): Promise<number> {
    let total = 0;
    for (;;) {
      const { promoted, nextDueInMs } = await this.store.promoteDue(
        this.config.queueName,
        PROMOTE_BATCH,
      );
      if (promoted.length > 0) {
        total += promoted.length;
        this.events.emit('jobs.promoted', { count: promoted.length });
        await this.readyQueue
          .stage(promoted)
          .catch(() =>
            this.events.emit('stage.failed', { count: promoted.length }),
          );
      }
      if (promoted.length < PROMOTE_BATCH) {
        if (nextDueInMs !== undefined) this.alarm.noteDueIn(nextDueInMs);
        return total;
      }
    }
  }

  /** The whole window, from the best job on: this also brings back what was lost. */
  private async refill(): Promise<number> {
    const { window } = this.readyQueue;
    if (window === 0) return 0;
    for (;;) {
      const best = await this.bestWaiting(window);
      if (!(await this.fill(best, best.length < window))) return best.length;
    }
  }

  private async bestWaiting(window: number): Promise<ReadyJob[]> {
    const { queueName, heartbeatTimeoutMs } = this.config;
    try {
      return await this.store.bestWaiting(
        queueName,
        window,
        heartbeatTimeoutMs,
      );
    } catch (error) {
      this.events.emit('stage.failed', { count: 0 }); // workers look for themselves
      throw error;
    }
  }

  /** Goes on behind what is left in the window. */
  private async goOn(): Promise<number> {
    const { tail, passedOver } = this;
    this.passedOver = false;
    if (!tail || passedOver) return this.refilling.runNow();
    const { room } = this.readyQueue;
    const next = await this.store.bestWaitingBehind(
      tail,
      this.config.queueName,
      room,
      this.config.heartbeatTimeoutMs,
    );
    if (await this.fill(next, next.length < room)) this.refillSoon();
    return next.length;
  }

  /** Whether to refill once more. While Redis fails, workers claim from Postgres. */
  private async fill(
    jobs: readonly ReadyJob[],
    complete: boolean,
  ): Promise<boolean> {
    const count = jobs.length;
    try {
      const again = await this.readyQueue.refill(jobs, complete);
      if (count > 0) this.events.emit('jobs.refilled', { count });
      return again;
    } catch {
      if (count > 0) this.events.emit('stage.failed', { count });
      return false;
    }
  }
}
