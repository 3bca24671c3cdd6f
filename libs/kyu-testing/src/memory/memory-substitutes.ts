import { checkKyuOptions, KYU_DATA_SOURCE, type KyuOptions } from '@kyu/nestjs';
import {
  Claimer,
  Database,
  HandlerRegistry,
  HealthReader,
  JobExecutor,
  JobLog,
  JobReader,
  JobScope,
  JobStore,
  JobTracer,
  KYU_OPTIONS,
  KYU_OWN_DATA_SOURCE,
  KYU_REGISTRATION,
  KyuConfig,
  MaintenanceStore,
  newDataSource,
  Pruner,
  ReadyQueue,
  Scheduler,
  StaleReaper,
  TransactionalEnqueue,
  TransactionalRunner,
  WorkerIdentity,
  WorkerStore,
  type Registration,
} from '@kyu/nestjs/testing-internals';
import { substitute, type Substitute } from '../substitute.js';
import { substituteQueue } from '../substitute-queue.js';
import { MemoryJobStore } from './memory.job-store.js';
import { MemoryReadyQueue } from './memory.ready-queue.js';
import { MemoryTestbed, type MemoryOptions } from './memory.testbed.js';
import { MemoryTransactionalEnqueue } from './memory.transactional-enqueue.js';
import {
  MemoryTransactionalRunner,
  type Managed,
} from './memory.transactional-runner.js';
import {
  MemoryHealthReader,
  MemoryJobReader,
  MemoryMaintenanceStore,
  MemoryWorkerStore,
} from './memory-readers.js';
import { MemoryTable } from './memory-table.js';
import { RecordingScope } from './recording-scope.js';
import { unopened, unopenedJobs } from './unopened.data-source.js';

/** As `getDataSourceToken()` of @nestjs/typeorm has it. */
const DATA_SOURCE = `${KYU_DATA_SOURCE}DataSource`;

/** Each registration has a table of its own; its configuration is what only it has. */
const tables = new WeakMap<KyuConfig, MemoryTable>();

function tableOf(config: KyuConfig): MemoryTable {
  let table = tables.get(config);
  if (!table) tables.set(config, (table = new MemoryTable()));
  return table;
}

const nothing = (): void => undefined;

/** Of a data source that the application lends, handlers write by that. */
const managedBy = (
  { manager }: MemoryOptions,
  { postgres }: KyuConfig,
): Managed => ({ manager: manager ?? postgres.dataSource?.manager });

/** What stands for PostgreSQL and Redis, and for all that keeps time: everything above is the real thing. */
export const memorySubstitutes = (
  options: MemoryOptions,
): readonly Substitute[] => [
  substitute(
    KyuConfig,
    [KYU_OPTIONS, KYU_REGISTRATION],
    (given, registration) =>
      Object.freeze(
        Object.assign(
          {},
          checkKyuOptions(
            given as KyuOptions,
            process.env,
            registration as Registration,
          ),
          // Nobody works unasked, and one job at a time: a test is to find the same each time.
          { mode: 'producer', workers: 1, metricsPort: 0 },
        ),
      ),
  ),
  // One that the application lends is its own affair.
  substitute(
    DATA_SOURCE,
    [KyuConfig],
    ({ postgres }) =>
      postgres.dataSource ?? unopened(newDataSource(postgres), options.mode),
  ),
  substitute(KYU_OWN_DATA_SOURCE, [], () => unopenedJobs(options.mode)),
  substitute(Database, [], () => ({})),
  // A job that fails in a test is the test's to see.
  substitute(JobLog, [], () => ({ start: nothing, stop: nothing })),
  substitute(JobStore, [KyuConfig], (c) => new MemoryJobStore(tableOf(c))),
  substitute(JobReader, [KyuConfig], (c) => new MemoryJobReader(tableOf(c))),
  substitute(
    MaintenanceStore,
    [KyuConfig],
    (config) => new MemoryMaintenanceStore(tableOf(config)),
  ),
  substitute(
    HealthReader,
    [KyuConfig],
    (config) => new MemoryHealthReader(tableOf(config)),
  ),
  substitute(WorkerStore, [], () => new MemoryWorkerStore()),
  substitute(ReadyQueue, [], () => new MemoryReadyQueue()),
  substitute(
    TransactionalEnqueue,
    [KyuConfig, JobStore],
    (config, store) =>
      new MemoryTransactionalEnqueue(
        config,
        tableOf(config),
        store as unknown as MemoryJobStore,
      ),
  ),
  substitute(
    TransactionalRunner,
    [HandlerRegistry, KyuConfig, JobStore, WorkerIdentity],
    (handlers, config, store, worker) =>
      new MemoryTransactionalRunner(
        handlers,
        managedBy(options, config),
        store as unknown as MemoryJobStore,
        worker,
      ),
  ),
  substitute(
    JobScope,
    [KyuConfig, JobTracer],
    (config, tracer) => new RecordingScope(config, tracer, tableOf(config)),
  ),
  // No timers: nothing comes due unless the test says so.
  ...[StaleReaper, Pruner].map((agent) =>
    substitute(agent, [], () => ({
      start: () => undefined,
      stop: () => undefined,
    })),
  ),
  // It stops last of those that work, and before anything is gone.
  substitute(Scheduler, [ReadyQueue], (readyQueue) => ({
    start: () => undefined,
    stop: () => (readyQueue as MemoryReadyQueue).idle(),
  })),
  substituteQueue(
    [ReadyQueue, Claimer, JobExecutor, WorkerIdentity],
    (
      [config, store, , handlers, scope, , events],
      [readyQueue, claimer, executor, worker],
    ) =>
      new MemoryTestbed(
        {
          config,
          handlers,
          scope: scope as RecordingScope,
          worker,
          table: tableOf(config),
          store: store as unknown as MemoryJobStore,
          readyQueue: readyQueue as MemoryReadyQueue,
          claimer,
          executor,
          events,
        },
        { ...options, ...managedBy(options, config) },
      ),
  ),
];
