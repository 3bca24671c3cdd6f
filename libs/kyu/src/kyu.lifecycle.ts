import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { DataSource } from 'typeorm';
import { KyuConfig } from './config/kyu.config.js';
import { Registrations } from './config/registrations.js';
import { HandlerRegistry } from './handlers/handler.registry.js';
import { JobListeners } from './listeners/job-listeners.js';
import { BootChecks } from './kyu.boot-checks.js';
import { LazyModules } from './kyu.lazy-modules.js';
import { KYU_OWN_DATA_SOURCE } from './kyu.tokens.js';
import { bootSummary } from './logging/boot-summary.js';
import { JobLog } from './logging/job-log.js';
import { Pruner } from './maintenance/pruner.js';
import { Scheduler } from './maintenance/scheduler.js';
import { StaleReaper } from './maintenance/stale-reaper.js';
import { KyuMetrics } from './metrics/kyu-metrics.js';
import { MetricsServer } from './metrics/metrics.server.js';
import { ClockCheck } from './queue/clock-check.js';
import { Announcer } from './queue/announcer.js';
import { OpenCalls } from './queue/open-calls.js';
import { ReadyQueue } from './ready-queue/ready-queue.js';
import type { KyuLog } from './runtime/kyu-log.js';
import { KyuLogger } from './runtime/kyu-logger.js';
import { WorkerService } from './worker/worker.service.js';

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Is responsible for the order in which everything starts and stops. One class, because Nest calls the hooks of one module's providers all at
 * once, and here the order is the point. Where there are several registrations, Nest calls theirs one after the other: the first one stops the work of all.
 */
@Injectable()
export class KyuLifecycle
  implements
    OnModuleInit,
    OnApplicationBootstrap,
    OnModuleDestroy,
    OnApplicationShutdown
{
  private drained: Promise<void> | undefined;
  private closed = false;

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    @Inject(KYU_OWN_DATA_SOURCE)
    private readonly dataSource: DataSource,
    private readonly handlers: HandlerRegistry,
    private readonly readyQueue: ReadyQueue,
    private readonly announcer: Announcer,
    private readonly calls: OpenCalls,
    private readonly clockCheck: ClockCheck,
    private readonly worker: WorkerService,
    private readonly scheduler: Scheduler,
    private readonly reaper: StaleReaper,
    private readonly pruner: Pruner,
    private readonly listeners: JobListeners,
    private readonly jobLog: JobLog,
    private readonly metrics: KyuMetrics,
    private readonly metricsServer: MetricsServer,
    private readonly bootChecks: BootChecks,
    private readonly lazyModules: LazyModules,
    private readonly registrations: Registrations,
    @Inject(KyuLogger) private readonly logger: KyuLog,
    modules: ModulesContainer,
  ) {
    // Nest calls hooks by the distance from the root module, and takes a global module for the farthest: started first, stopped last. For who works
    // on behalf of all others both are wrong: it should start when everything is ready, and stop before anything is gone.
    const [key, own] = [...modules].find(
      ([, { providers }]) => providers.get(KyuConfig)?.instance === config,
    )!;
    own.distance = 0;
    if (config.name !== undefined) return;
    // `app.get(QueueService)` answers with that of the last module that has one, and it must not depend on the order of imports which that is.
    modules.delete(key);
    modules.set(key, own);
  }

  /** What can be wrong with the application's code is found before anything has started. */
  async onModuleInit(): Promise<void> {
    await this.orCleanUp(async () => {
      this.bootChecks.refuse();
      this.lazyModules.start();
      await this.handlers.load();
      this.listeners.start();
      this.clockCheck.start();
      this.jobLog.start();
    });
  }

  /** Everything that handlers may need is ready by now, the application's own modules included. */
  async onApplicationBootstrap(): Promise<void> {
    await this.orCleanUp(async () => {
      this.bootChecks.warn();
      await this.readyQueue.open();
      await this.metricsServer.start();
      const works = this.config.mode !== 'producer';
      if (works) await this.worker.start();
      await this.scheduler.start(works);
      if (works) {
        await this.reaper.start();
        this.pruner.start();
      }
      this.logger.log(
        bootSummary(this.config, this.handlers.jobTypes.length, () =>
          this.bootChecks.unprovidedHosts(),
        ),
      );
    });
  }

  /** An application that never got to run is not closed by anybody. What fails in that is not what was wrong. */
  private async orCleanUp(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      await this.onModuleDestroy().catch(() => undefined);
      for (const each of this.registrations.all(KyuLifecycle))
        await each.close().catch(() => undefined);
      throw error;
    }
  }

  /**
   * The first hook of a shutdown, and the first called: nothing is claimed from now on, and the application's own modules destroy
   * what running handlers use only after these are done. HTTP servers still answer and handlers may still enqueue: the
   * connections stay until {@link KyuClosing} closes them, after the last hook of the application.
   */
  async onModuleDestroy(): Promise<void> {
    await Promise.all(
      this.registrations.all(KyuLifecycle).map((each) => each.drain()),
    );
  }

  private drain(): Promise<void> {
    return (this.drained ??= this.stopWorking());
  }

  private async stopWorking(): Promise<void> {
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

  /** A data source that is lent may be closed by a hook that follows: what is under way ends before. */
  async onApplicationShutdown(): Promise<void> {
    if (!this.config.postgres.dataSource) return;
    await this.calls.ended();
    await this.announcer.staged();
  }

  /** The end, after every hook of the application: it may have enqueued until now. */
  async close(): Promise<void> {
    await this.calls.close();
    await this.metricsServer.stop();
    await this.announcer.staged();
    await this.readyQueue.close();
    this.listeners.stop();
    this.jobLog.stop();
    this.metrics.close();
    await this.closeConnections();
    this.logger.close();
  }

  /** The last one closes what registrations share. */
  private async closeConnections(): Promise<void> {
    this.closed = true;
    const inUse = this.registrations
      .all(KyuLifecycle)
      .some(
        ({ dataSource, closed }) => !closed && dataSource === this.dataSource,
      );
    if (!inUse && this.dataSource.isInitialized)
      await this.dataSource.destroy();
  }
}
