// The entry `@kyu/nestjs/testing-internals`: what @kyu/testing puts its own in place of, and what it runs. For that package of the same version only: none of it
// is public, and all of it may change at any time.
export { didYouMean } from './config/did-you-mean.js';
export { KyuConfig } from './config/kyu.config.js';
export type { Registration } from './config/registration.js';
export { JobScope } from './context/job-scope.js';
export { JobTracer } from './context/job-tracer.js';
export type { JobHandlerFunction } from './handlers/handler.js';
export { HandlerRegistry } from './handlers/handler.registry.js';
export { MAX_HISTORY } from './job/attempt-record.js';
export type { InputOf, JobType } from './job/job-definition.js';
export { JobDefinition } from './job/job-definition.js';
export type { NewJob } from './job/new-job.js';
export { JobLog } from './logging/job-log.js';
export { KYU_OPTIONS } from './kyu.module.js';
export { KYU_OWN_DATA_SOURCE, KYU_REGISTRATION } from './kyu.tokens.js';
export { Pruner } from './maintenance/pruner.js';
export { Scheduler } from './maintenance/scheduler.js';
export { StaleReaper } from './maintenance/stale-reaper.js';
export { Announcer } from './queue/announcer.js';
export { throughWhat, type Through } from './queue/enqueue-transaction.js';
export { IdleWorker } from './queue/idle-worker.js';
export { JobInserter } from './queue/job-inserter.js';
export { JobRunner } from './queue/job-runner.js';
export { OpenCalls } from './queue/open-calls.js';
export { prepareJob } from './queue/prepare-job.js';
export { TransactionalEnqueue } from './queue/transactional-enqueue.js';
export { LOOK_IN_POSTGRES, ReadyQueue } from './ready-queue/ready-queue.js';
export type { ReadyJob } from './ready-queue/ready-queue.js';
export { DatabaseClock } from './runtime/database-clock.js';
export { DueAlarm } from './runtime/due-alarm.js';
export { LateTimers } from './runtime/late-timers.js';
export { WorkerIdentity } from './runtime/worker-identity.js';
export { AfterCommit } from './store/after-commit.js';
export { newDataSource } from './store/data-source.js';
export { dataSourceOf } from './store/data-source-of.js';
export { Database } from './store/database.js';
export { HealthReader } from './store/health-reader.js';
export { JobReader } from './store/job-reader.js';
export { JobStore, type ClaimedJob, type Claimant } from './store/job-store.js';
export type { EnqueuedJob } from './store/enqueued-job.js';
export {
  type Outcome,
  type Run,
  type SettledStatus,
  type Settlement,
} from './store/settlement.js';
export { MaintenanceStore } from './store/maintenance-store.js';
export { MIGRATION_NAMES } from './store/migrations/create-migrations.js';
export { openDataSource } from './store/open-data-source.js';
export { Statement } from './store/statement.js';
export { WorkerStore } from './store/worker-store.js';
export { Claimer } from './worker/claimer.js';
export { decideFailure } from './worker/decide-outcome.js';
export { JobExecutor } from './worker/job-executor.js';
export { JobRun } from './worker/job-run.js';
export { TransactionalRunner } from './worker/transactional-runner.js';
