import { Inject, Injectable, type LoggerService } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { KyuConfig } from '../config/kyu.config.js';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import { Cadence } from '../runtime/cadence.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { WorkerIdentity } from '../runtime/worker-identity.js';
import { WorkerStore } from '../store/worker-store.js';

/** How precisely `heartbeatInterval` is kept; `@Interval` cannot read options. */
const TICK_MS = 250;

/** Is responsible for saying that this worker process is alive: one statement for the process, not one a job. */
@Injectable()
export class Heartbeat {
  private readonly cadence: Cadence<void>;
  private toldTypes: readonly string[] = [];

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly handlers: HandlerRegistry,
    private readonly workers: WorkerStore,
    private readonly worker: WorkerIdentity,
    @Inject(KyuLogger) logger: LoggerService,
  ) {
    this.cadence = new Cadence(
      'Heartbeat',
      config.heartbeatIntervalMs,
      () => this.beat(),
      logger,
    );
  }

  /** Registers the worker, then keeps beating. @throws when Postgres does not take the first one. */
  async start(): Promise<void> {
    await this.beat();
    this.cadence.start();
  }

  @Interval(TICK_MS)
  tick(): void {
    // A handler that is registered at run time must be known soon, or its jobs are not refilled.
    if (this.toldTypes !== this.handlers.jobTypes) this.cadence.runSoon();
    else this.cadence.tick();
  }

  /** Ends the heartbeat and removes the worker from the registry. */
  async stop(): Promise<void> {
    await this.cadence.stop();
    await this.workers.remove(this.worker);
  }

  private async beat(): Promise<void> {
    const { jobTypes } = this.handlers;
    await this.workers.heartbeat(
      this.worker,
      this.config.queueName,
      this.config.workers,
      jobTypes,
    );
    this.toldTypes = jobTypes;
  }
}
