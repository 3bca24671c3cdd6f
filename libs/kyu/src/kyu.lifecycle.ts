import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { KyuConfig } from './config/kyu.config.js';
import { InvalidOptionsError } from './errors/kyu.errors.js';
import { HandlerRegistry } from './handlers/handler.registry.js';
import { JobListeners } from './listeners/job-listeners.js';
import { KYU_DATA_SOURCE } from './kyu.tokens.js';
import { ScheduleCheck } from './kyu.schedule.js';
import { Pruner } from './maintenance/pruner.js';
import { Scheduler } from './maintenance/scheduler.js';
import { StaleReaper } from './maintenance/stale-reaper.js';
import { KyuMetrics } from './metrics/kyu-metrics.js';
import { MetricsServer } from './metrics/metrics.server.js';
import { Announcer } from './queue/announcer.js';
import { ReadyQueue } from './ready-queue/ready-queue.js';
import { closeDataSource } from './store/data-source.js';
import { WorkerService } from './worker/worker.service.js';

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Is responsible for the order in which everything starts and stops. One class, because Nest calls the hooks of one module's providers all at
 * once, and here the order is the point.
 */
@Injectable()
export class KyuLifecycle
  implements
    OnModuleInit,
    OnApplicationBootstrap,
    OnModuleDestroy,
    OnApplicationShutdown
{
  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    @Inject(getDataSourceToken(KYU_DATA_SOURCE))
    private readonly dataSource: DataSource,
    private readonly handlers: HandlerRegistry,
    private readonly readyQueue: ReadyQueue,
    private readonly announcer: Announcer,
    private readonly worker: WorkerService,
    private readonly scheduler: Scheduler,
    private readonly reaper: StaleReaper,
    private readonly pruner: Pruner,
    private readonly listeners: JobListeners,
    private readonly metrics: KyuMetrics,
    private readonly metricsServer: MetricsServer,
    private readonly scheduleCheck: ScheduleCheck,
    private readonly modules: ModulesContainer,
  ) {
    // Nest calls hooks by the distance from the root module, and takes a global module for the farthest: started first, stopped last. For who works
    // on behalf of all others both are wrong: it should start when everything is ready, and stop before anything is gone.
    for (const module of modules.values())
      if (module.providers.has(KyuLifecycle)) module.distance = 0;
  }

  /** What can be wrong with the application's code is found before anything has started. */
  async onModuleInit(): Promise<void> {
    await this.orCleanUp(async () => {
      this.refuseTwice();
      this.scheduleCheck.run();
      await this.handlers.load();
      this.listeners.start();
    });
  }

  /** Everything that handlers may need is ready by now, the application's own modules included. */
  async onApplicationBootstrap(): Promise<void> {
    await this.orCleanUp(async () => {
      await this.readyQueue.open();
      await this.metricsServer.start();
      const works = this.config.mode !== 'producer';
      if (works) await this.worker.start();
      await this.scheduler.start(works);
      if (!works) return;
      await this.reaper.start();
      this.pruner.start();
    });
  }

  /** Two registrations would both run, and `QueueService` would be one of them, nobody knows which. @throws {InvalidOptionsError} */
  private refuseTwice(): void {
    const registrations = [...this.modules.values()].filter(({ providers }) =>
      providers.has(KyuLifecycle),
    );
    if (registrations.length > 1)
      throw new InvalidOptionsError([
        `KyuModule is imported ${registrations.length} times; call forRoot() once, in the root module: QueueService can be injected everywhere`,
      ]);
  }

  /** An application that never got to run is not closed by anybody. What fails in that is not what was wrong. */
  private async orCleanUp(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      await this.onModuleDestroy().catch(() => undefined);
      await this.onApplicationShutdown().catch(() => undefined);
      throw error;
    }
  }

  /**
   * The first hook of a shutdown, and the first called: nothing is claimed from now on, and the application's own modules destroy
   * what running handlers use only after these are done. HTTP servers still answer and handlers may still enqueue: the
   * connections stay until the last hook.
   */
  async onModuleDestroy(): Promise<void> {
    // Somebody who signals a second time does not want to wait. (Nest tells its signal to later hooks only.)
    const hurry = (): void => this.worker.hurry();
    for (const signal of STOP_SIGNALS) process.once(signal, hurry);
    await Promise.all([
      this.worker.stop(),
      this.pruner.stop(),
      this.reaper.stop(),
    ]);
    await this.scheduler.stop();
    for (const signal of STOP_SIGNALS) process.off(signal, hurry);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.metricsServer.stop();
    await this.announcer.staged();
    await this.readyQueue.close();
    this.listeners.stop();
    this.metrics.close();
    await closeDataSource(this.dataSource, this.config.postgres);
  }
}
