import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { KyuConfig } from './config/kyu.config.js';
import { HandlerRegistry } from './handlers/handler.registry.js';
import { KYU_DATA_SOURCE } from './kyu.tokens.js';
import { ScheduleCheck } from './kyu.schedule.js';
import { Pruner } from './maintenance/pruner.js';
import { Scheduler } from './maintenance/scheduler.js';
import { StaleReaper } from './maintenance/stale-reaper.js';
import { KyuMetrics } from './metrics/kyu-metrics.js';
import { MetricsServer } from './metrics/metrics.server.js';
import { ReadyQueue } from './ready-queue/ready-queue.js';
import { closeDataSource } from './store/data-source.js';
import { WorkerService } from './worker/worker.service.js';

/**
 * Is responsible for the order in which everything starts and stops. One class, because Nest calls the hooks of one module's providers all at
 * once, and here the order is the point.
 */
@Injectable()
export class KyuLifecycle
  implements
    OnApplicationBootstrap,
    BeforeApplicationShutdown,
    OnApplicationShutdown
{
  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    @Inject(getDataSourceToken(KYU_DATA_SOURCE))
    private readonly dataSource: DataSource,
    private readonly handlers: HandlerRegistry,
    private readonly readyQueue: ReadyQueue,
    private readonly worker: WorkerService,
    private readonly scheduler: Scheduler,
    private readonly reaper: StaleReaper,
    private readonly pruner: Pruner,
    private readonly metrics: KyuMetrics,
    private readonly metricsServer: MetricsServer,
    private readonly scheduleCheck: ScheduleCheck,
  ) {}

  /** Everything that handlers may need is ready by now, the application's own modules included. */
  async onApplicationBootstrap(): Promise<void> {
    try {
      this.scheduleCheck.run();
      await this.handlers.load();
      await this.readyQueue.open();
      await this.metricsServer.start();
      const works = this.config.mode !== 'producer';
      if (works) await this.worker.start();
      await this.scheduler.start(works);
      if (works) await this.reaper.start();
      if (works) this.pruner.start();
    } catch (error) {
      // The application never got to run, so nobody will close it.
      await this.beforeApplicationShutdown();
      await this.onApplicationShutdown();
      throw error;
    }
  }

  /** HTTP servers still answer and handlers may still enqueue: both connections stay until the next hook. */
  async beforeApplicationShutdown(signal?: string): Promise<void> {
    const hurry = (): void => this.worker.hurry();
    if (signal) process.once(signal, hurry); // the second one: somebody does not want to wait
    await Promise.all([this.pruner.stop(), this.reaper.stop()]);
    await this.worker.stop();
    if (signal) process.off(signal, hurry);
    // Jobs that were given back: the workers that stay should find them.
    this.scheduler.refillSoon();
    await this.scheduler.stop();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.metricsServer.stop();
    await this.readyQueue.close();
    this.metrics.close();
    await closeDataSource(this.dataSource, this.config.postgres);
  }
}
