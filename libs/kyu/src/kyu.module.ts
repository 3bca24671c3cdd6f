import {
  ConfigurableModuleBuilder,
  Logger,
  Module,
  type DynamicModule,
} from '@nestjs/common';
import { DiscoveryModule, ModulesContainer } from '@nestjs/core';
import { getDataSourceToken, getRepositoryToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { KyuConfig } from './config/kyu.config.js';
import { JobScope } from './context/job-scope.js';
import { JobTracer } from './context/job-tracer.js';
import type { KyuOptions, KyuOptionsFactory } from './config/kyu.options.js';
import { newRegistration, type Registration } from './config/registration.js';
import { Registrations } from './config/registrations.js';
import { refuseOtherCopies } from './config/refuse-other-copies.js';
import { resolveOptions } from './config/resolve-options.js';
import { KyuEvents } from './events/kyu-events.js';
import { DecoratorCheck } from './handlers/decorator-check.js';
import { HandlerCompiler } from './handlers/handler.compiler.js';
import { HandlerExplorer } from './handlers/handler.explorer.js';
import { HandlerRegistry } from './handlers/handler.registry.js';
import { KyuHealth } from './health/kyu-health.js';
import { InterceptorFactory } from './handlers/interceptor.factory.js';
import { Job } from './job/job.entity.js';
import { BootChecks } from './kyu.boot-checks.js';
import { LazyModules } from './kyu.lazy-modules.js';
import { KyuLifecycle } from './kyu.lifecycle.js';
import { KyuClosing } from './kyu.closing.js';
import { exportsOf } from './kyu.exports.js';
import { agentSchedule } from './kyu.schedule.js';
import {
  KYU_DATA_SOURCE,
  KYU_OWN_DATA_SOURCE,
  KYU_REGISTRATION,
} from './kyu.tokens.js';
import { JobListeners } from './listeners/job-listeners.js';
import { JobLog } from './logging/job-log.js';
import { Pruner } from './maintenance/pruner.js';
import { Scheduler } from './maintenance/scheduler.js';
import { StaleReaper } from './maintenance/stale-reaper.js';
import { KyuMetrics } from './metrics/kyu-metrics.js';
import { metricsController } from './metrics/metrics.controller.js';
import { metricProviders } from './metrics/metrics.providers.js';
import { MetricsPage } from './metrics/metrics-page.js';
import { MetricsServer } from './metrics/metrics.server.js';
import { Announcer } from './queue/announcer.js';
import { IdleWorker } from './queue/idle-worker.js';
import { JobInserter } from './queue/job-inserter.js';
import { JobRunner } from './queue/job-runner.js';
import { ClockCheck } from './queue/clock-check.js';
import { OpenCalls } from './queue/open-calls.js';
import { QueueService } from './queue/queue.service.js';
import { TransactionalEnqueue } from './queue/transactional-enqueue.js';
import { WorkerWatch } from './queue/worker-watch.js';
import { newReadyQueue } from './ready-queue/new-ready-queue.js';
import { ReadyQueue } from './ready-queue/ready-queue.js';
import { DatabaseClock } from './runtime/database-clock.js';
import { DueAlarm } from './runtime/due-alarm.js';
import { KyuLog } from './runtime/kyu-log.js';
import { KyuLogger } from './runtime/kyu-logger.js';
import { PostgresOutage } from './runtime/postgres-outage.js';
import { WorkerIdentity } from './runtime/worker-identity.js';
import { ScheduleCheck } from './schedule/schedule-check.js';
import { Connections, ConnectionsModule } from './store/connections.js';
import { Database } from './store/database.js';
import { HealthReader } from './store/health-reader.js';
import { JobReader } from './store/job-reader.js';
import { JobStore } from './store/job-store.js';
import { MaintenanceStore } from './store/maintenance-store.js';
import { describeTarget } from './store/postgres-errors.js';
import { readTablesMark } from './store/tables-mark.js';
import { TransactionalStore } from './store/transactional-store.js';
import { WorkerStore } from './store/worker-store.js';
import { findTracer } from './tracing/find-tracer.js';
import { CancelWatch } from './worker/cancel-watch.js';
import { Claimer } from './worker/claimer.js';
import { DirectClaim } from './worker/direct-claim.js';
import { Dispatcher } from './worker/dispatcher.js';
import { GiveBack } from './worker/give-back.js';
import { Heartbeat } from './worker/heartbeat.js';
import { LentPoolCheck } from './worker/lent-pool-check.js';
import { Settler } from './worker/settler.js';
import { JobExecutor } from './worker/job-executor.js';
import { TransactionalRunner } from './worker/transactional-runner.js';
import { WorkerService } from './worker/worker.service.js';

const {
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN: KYU_OPTIONS,
  OPTIONS_TYPE,
  ASYNC_OPTIONS_TYPE,
} = new ConfigurableModuleBuilder<KyuOptions>({ moduleName: 'Kyu' })
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createKyuOptions' satisfies keyof KyuOptionsFactory)
  .setExtras(
    {
      /** Of a second, third … queue of this application: `@InjectQueue(name)` is its `QueueService`. Beside `useFactory`, not returned by it. @default none: the default registration */
      name: undefined as string | undefined,
      /** Route of the metrics in the host's HTTP application; `false` for none (when it has a `/metrics` of its own). @default 'metrics', or `metrics/` and the name */
      metricsPath: undefined as string | false | undefined,
    },
    (definition, { name, metricsPath }) =>
      register(definition, newRegistration(name, metricsPath)),
  )
  .build();

/** The options as the application gave them. */
export { KYU_OPTIONS };

/** What a module has because of the registration that it is made for. */
function register(
  { providers = [], ...definition }: DynamicModule,
  registration: Registration,
): DynamicModule {
  const { metricsPath } = registration;
  const own = exportsOf(registration);
  return {
    ...definition,
    providers: [
      ...providers,
      { provide: KYU_REGISTRATION, useValue: registration },
      ...own.providers,
    ],
    exports: own.tokens,
    controllers: metricsPath === false ? [] : [metricsController(metricsPath)],
  };
}

/**
 * `KyuModule.forRoot(options)` or `KyuModule.forRootAsync({ inject, useFactory })`, once, in the root module. `QueueService` can then be injected
 * everywhere. Once more for each further queue, with a name: `KyuModule.forRoot({ name: 'billing' })`, and `@InjectQueue('billing')` is its `QueueService`.
 *
 * @publicApi
 */
@Module({
  imports: [DiscoveryModule, agentSchedule, ConnectionsModule, KyuClosing],
  providers: [
    // layer 0: what everything knows
    {
      provide: KyuConfig,
      inject: [KYU_OPTIONS, KYU_REGISTRATION, ModulesContainer],
      useFactory: (
        options: KyuOptions,
        registration: Registration,
        modules: ModulesContainer,
      ) => {
        refuseOtherCopies(modules, KYU_REGISTRATION, KyuConfig);
        return resolveOptions(options, process.env, registration);
      },
    },
    Registrations,
    {
      provide: KyuLogger,
      inject: [KyuConfig],
      useFactory: ({ logger, name }: KyuConfig) =>
        new KyuLog(logger ?? new Logger('Kyu'), name),
    },
    {
      provide: KyuEvents,
      inject: [KyuLogger],
      useFactory: (logger: KyuLog) => new KyuEvents(logger),
    },
    WorkerIdentity,
    DueAlarm,
    // layer 1: Postgres and Redis
    {
      provide: getDataSourceToken(KYU_DATA_SOURCE),
      inject: [KyuConfig, Connections, KyuLogger],
      useFactory: (
        { postgres, mode }: KyuConfig,
        connections: Connections,
        logger: KyuLog,
      ) => connections.open(postgres, mode, logger),
    },
    {
      provide: KYU_OWN_DATA_SOURCE,
      inject: [
        getDataSourceToken(KYU_DATA_SOURCE),
        KyuConfig,
        Connections,
        KyuLogger,
      ],
      useFactory: (
        dataSource: DataSource,
        { postgres }: KyuConfig,
        connections: Connections,
        logger: KyuLog,
      ) => connections.openOwn(dataSource, postgres, logger),
    },
    {
      provide: getRepositoryToken(Job, KYU_DATA_SOURCE),
      inject: [getDataSourceToken(KYU_DATA_SOURCE), KYU_OWN_DATA_SOURCE],
      // The application's own data source knows the entity only if it was added to it.
      useFactory: (dataSource: DataSource, own: DataSource) =>
        (dataSource.hasMetadata(Job) ? dataSource : own).getRepository(Job),
    },
    {
      provide: PostgresOutage,
      inject: [KyuConfig, KyuLogger],
      useFactory: ({ postgres }: KyuConfig, log: KyuLog) =>
        new PostgresOutage(describeTarget(postgres), log),
    },
    {
      provide: Database,
      inject: [
        getDataSourceToken(KYU_DATA_SOURCE),
        KyuConfig,
        KYU_OWN_DATA_SOURCE,
        PostgresOutage,
      ],
      useFactory: (
        dataSource: DataSource,
        { postgres }: KyuConfig,
        own: DataSource,
        outage: PostgresOutage,
      ) => new Database(dataSource, postgres.tables, own, outage),
    },
    {
      provide: DatabaseClock,
      inject: [getDataSourceToken(KYU_DATA_SOURCE)],
      useFactory: (dataSource: DataSource) => DatabaseClock.of(dataSource),
    },
    JobStore,
    JobReader,
    TransactionalStore,
    MaintenanceStore,
    WorkerStore,
    HealthReader,
    {
      provide: ReadyQueue,
      inject: [KyuConfig, KyuLogger, Database],
      useFactory: (config: KyuConfig, logger: KyuLog, database: Database) =>
        newReadyQueue(config, logger, () => readTablesMark(database)),
    },
    // layer 2: what an application calls, and what it is called by
    DecoratorCheck,
    HandlerCompiler,
    HandlerExplorer,
    InterceptorFactory,
    HandlerRegistry,
    {
      provide: JobTracer,
      inject: [KyuConfig],
      useFactory: (config: KyuConfig) => findTracer(config),
    },
    JobScope,
    Announcer,
    TransactionalEnqueue,
    JobInserter,
    OpenCalls,
    ClockCheck,
    QueueService,
    // layer 3: who works
    Claimer,
    Settler,
    TransactionalRunner,
    JobExecutor,
    GiveBack,
    Dispatcher,
    { provide: IdleWorker, useClass: DirectClaim },
    Heartbeat,
    CancelWatch,
    WorkerService,
    LentPoolCheck,
    { provide: JobRunner, useExisting: WorkerService },
    { provide: WorkerWatch, useExisting: WorkerService },
    Scheduler,
    StaleReaper,
    Pruner,
    // layer 4: who watches
    JobListeners,
    JobLog,
    KyuHealth,
    KyuMetrics,
    ...metricProviders,
    MetricsPage,
    MetricsServer,
    // layer 5: who starts and stops them
    ScheduleCheck,
    BootChecks,
    LazyModules,
    KyuLifecycle,
  ],
})
export class KyuModule extends ConfigurableModuleClass {
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return { global: true, ...super.forRoot(options) };
  }

  static override forRootAsync(
    options: typeof ASYNC_OPTIONS_TYPE,
  ): DynamicModule {
    return { global: true, ...super.forRootAsync(options) };
  }
}
