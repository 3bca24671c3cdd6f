import { Inject, Injectable } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import { LeaseExpiredError } from '../errors/run.errors.js';
import { KyuEvents } from '../events/kyu-events.js';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import type { KyuLog } from '../runtime/kyu-log.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { PostgresOutage } from '../runtime/postgres-outage.js';
import { WorkerIdentity } from '../runtime/worker-identity.js';
import type { RunningHeartbeat } from '../store/running-heartbeat.js';
import { WorkerStore, type WorkerRecord } from '../store/worker-store.js';
import { fenceMarginMs } from './fence-margin.js';
import { JobExecutor } from './job-executor.js';

/**
 * A timer of its own and no `@Interval`: @nestjs/schedule ends those before a drain, and a worker that drains needs its lease as much as any.
 * How often the main thread gives a sign of life, and looks whether it is still believed to live. */
const TICK_MS = 250;
/** Beats that fail for this long, while no other statement does, fail for a reason of their own. */
const ALONE_MS = 5_000;

interface FailingBeats {
  /** What the last of them failed with. */
  message: string;
  /** When the first of them failed, or the outage ended in which it did. */
  since: number;
  /** When the last of them failed. */
  last: number;
  /** How many statements of this process had succeeded when the first of them failed. */
  successes: number;
  told: boolean;
}

/**
 * Is responsible for the lease of this process on all its jobs: a beat from a thread of its own says that it lives; and when no beat has reached Postgres
 * for almost `heartbeatTimeout`, by the monotonic clock, it stops its jobs before anyone else starts them.
 */
@Injectable()
export class Heartbeat {
  private running: RunningHeartbeat | undefined;
  private timer: NodeJS.Timeout | undefined;
  private toldTypes: readonly string[] = [];
  private failing: FailingBeats | undefined;
  /** The lease may be over: nothing is claimed until a beat has come through. */
  private isFenced = false;

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly handlers: HandlerRegistry,
    private readonly workers: WorkerStore,
    private readonly worker: WorkerIdentity,
    private readonly executor: JobExecutor,
    private readonly events: KyuEvents,
    private readonly outage: PostgresOutage,
    @Inject(KyuLogger) private readonly logger: KyuLog,
  ) {}

  /** Registers the worker, then keeps beating. @throws when Postgres does not take the first beat. */
  async start(): Promise<void> {
    const record = this.record();
    const sentAt = performance.now();
    await this.workers.heartbeat(record);
    this.begin(record, performance.now() - sentAt);
    this.timer = setInterval(() => this.tick(), TICK_MS);
    this.timer.unref();
  }

  /** Whether this worker may claim: a job that it claimed now could not be taken from it before the next look. */
  get fenced(): boolean {
    return this.isFenced;
  }

  private tick(): void {
    const { running } = this;
    if (!running) return;
    running.stillAlive();
    if (this.toldTypes !== this.handlers.jobTypes) {
      // A handler that is registered at run time must be known soon, or its jobs are not refilled.
      this.toldTypes = this.handlers.jobTypes;
      this.workers.update(running, this.record());
    }
    this.checkLease(running.takeLongestSilenceMs());
    this.tellFailing(running);
  }

  /** Ends the heartbeat and removes the worker from the registry. Never rejects: who stops must come to an end. */
  async stop(): Promise<void> {
    const { running } = this;
    clearInterval(this.timer);
    this.running = undefined;
    await running?.stop();
    await this.workers.remove(this.worker).catch(() => undefined); // the reaper removes it
  }

  private begin(record: WorkerRecord, silenceMs: number): void {
    this.toldTypes = record.jobTypes;
    this.running = this.workers.keepBeating(
      record,
      {
        intervalMs: this.config.heartbeatIntervalMs,
        mainSilenceMs: this.config.staleJobTimeoutMs,
        silenceMs,
      },
      (message) => this.beatFailed(message),
      (reason) => this.beatsFromMainThread(reason),
    );
  }

  private beatsFromMainThread(reason: string): void {
    this.logger.warn(
      `The heartbeat comes from the main thread, as it has no thread of its own (${reason}). A handler that blocks the event loop for longer than heartbeatTimeout ` +
        `(${this.config.heartbeatTimeoutMs} ms) now costs this process its jobs. In a bundle, keep @kyu/nestjs outside of it (esbuild: --external:@kyu/nestjs).`,
    );
  }

  private beatFailed(message: string): void {
    const now = performance.now();
    this.failing ??= {
      message,
      since: now,
      last: now,
      successes: this.outage.successCount,
      told: false,
    };
    Object.assign(this.failing, { message, last: now });
  }

  /** Only if beats alone fail: an outage, in which all else fails as well, is told once. */
  private tellFailing({ silenceMs }: RunningHeartbeat): void {
    const { failing } = this;
    if (!failing) return;
    const now = performance.now();
    if (silenceMs < now - failing.last) {
      this.failing = undefined; // a beat was stored since
      return;
    }
    const { isOpen, successCount } = this.outage;
    // A server that is silent is no outage yet: statements wait for it, and none succeeds.
    if (isOpen || successCount === failing.successes) failing.since = now;
    if (failing.told || now - failing.since < ALONE_MS) return;
    failing.told = true;
    this.logger.warn(
      `The heartbeat fails, trying again: ${failing.message}. Other statements succeed.`,
    );
  }

  private checkLease(silenceMs: number): void {
    const { heartbeatTimeoutMs } = this.config;
    if (silenceMs > heartbeatTimeoutMs - fenceMarginMs(this.config)) {
      const known = this.isFenced;
      this.isFenced = true;
      // Again at each look: of a claim that was under way, jobs may have begun meanwhile.
      const runs = this.executor.abortAll(new LeaseExpiredError(silenceMs));
      if (known) return;
      if (this.outage.isOpen) this.outage.runsStopped(runs);
      else
        this.logger.error(
          `No heartbeat has reached PostgreSQL for ${Math.round(silenceMs)} ms: ${runs} running job(s) were told to stop, and none is claimed until it does.`,
        );
      this.events.emit('worker.fenced', { runs });
      return;
    }
    this.isFenced = false;
  }

  private record(): WorkerRecord {
    return {
      worker: this.worker,
      queue: this.config.queueName,
      slots: this.config.workers,
      jobTypes: this.handlers.jobTypes,
    };
  }
}
