import { Inject, Injectable, type LoggerService } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import { LeaseExpiredError } from '../errors/kyu.errors.js';
import { KyuEvents } from '../events/kyu-events.js';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { WorkerIdentity } from '../runtime/worker-identity.js';
import type { RunningHeartbeat } from '../store/running-heartbeat.js';
import { WorkerStore, type WorkerRecord } from '../store/worker-store.js';
import { fenceMarginMs } from './fence-margin.js';
import { JobExecutor } from './job-executor.js';

/**
 * A timer of its own and no `@Interval`: @nestjs/schedule ends those before a drain, and a worker that drains needs its lease as much as any.
 * How often the main thread gives a sign of life, and looks whether it is still believed to live. */
const TICK_MS = 250;
/**
 * Is responsible for the lease of this process on all its jobs: a beat from a thread of its own says that it lives; and when no beat has reached Postgres
 * for almost `heartbeatTimeout`, by the monotonic clock, it stops its jobs before anyone else starts them.
 */
@Injectable()
export class Heartbeat {
  private running: RunningHeartbeat | undefined;
  private timer: NodeJS.Timeout | undefined;
  private toldTypes: readonly string[] = [];
  private failing = false;
  /** The lease may be over: nothing is claimed until a beat has come through. */
  private isFenced = false;

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly handlers: HandlerRegistry,
    private readonly workers: WorkerStore,
    private readonly worker: WorkerIdentity,
    private readonly executor: JobExecutor,
    private readonly events: KyuEvents,
    @Inject(KyuLogger) private readonly logger: LoggerService,
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
    if (this.failing) return; // once an outage
    this.failing = true;
    this.logger.warn(`The heartbeat fails, trying again: ${message}`);
  }

  private checkLease(silenceMs: number): void {
    const { heartbeatTimeoutMs, heartbeatIntervalMs } = this.config;
    if (silenceMs > heartbeatTimeoutMs - fenceMarginMs(this.config)) {
      const known = this.isFenced;
      this.isFenced = true;
      // Again at each look: of a claim that was under way, jobs may have begun meanwhile.
      const runs = this.executor.abortAll(new LeaseExpiredError(silenceMs));
      if (known) return;
      this.logger.error(
        `No heartbeat has reached PostgreSQL for ${Math.round(silenceMs)} ms: ${runs} running job(s) were told to stop, and none is claimed until it does.`,
      );
      this.events.emit('worker.fenced', { runs });
      return;
    }
    this.isFenced = false;
    if (silenceMs <= heartbeatIntervalMs) this.failing = false;
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
