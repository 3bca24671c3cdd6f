// The public names of @kyu/nestjs. Whatever is not here is internal and may change at any time.
export { KyuModule } from './kyu.module.js';
export { KYU_DATA_SOURCE } from './kyu.tokens.js';
export { kyuSchedule } from './kyu.schedule.js';
export type {
  KyuContextOptions,
  KyuMetricsAccess,
  KyuMode,
  KyuOptions,
  KyuOptionsFactory,
  KyuPostgresOptions,
  KyuRedisOptions,
  KyuRetentionOptions,
} from './config/kyu.options.js';
export { resolveOptions as checkKyuOptions } from './config/resolve-options.js';
export {
  QueueService,
  type DeadJobsPage,
  type JobToEnqueue,
} from './queue/queue.service.js';
export { getQueueToken, InjectQueue } from './queue/inject-queue.js';
export type {
  EnqueueTransaction,
  SqlClient,
} from './queue/enqueue-transaction.js';
export type { RunCounts } from './queue/job-runner.js';
export {
  defineJob,
  type InputOf,
  type JobDefinition,
  type PayloadOf,
  type ResultOf,
} from './job/job-definition.js';
// A star, because only through one does `declare module '@kyu/nestjs'` reach the interface. It is all that the file has.
export type * from './job/job-types.js';
export type { JobSchema, StandardSchema } from './job/job-schema.js';
export type { JobBackoff, KyuBackoffOptions } from './job/job-backoff.js';
export type { EnqueueOptions, JobDefaults } from './job/new-job.js';
export type { Duration } from './runtime/duration.js';
export {
  JobHandler,
  JobQueue,
  type JobHandlerOptions,
} from './handlers/job-handler.decorator.js';
export {
  JobContext,
  JobManager,
  JobPayload,
} from './handlers/job-parameters.decorator.js';
export { KyuExecutionContext } from './handlers/kyu-execution-context.js';
export type { JobRequest } from './handlers/job-request.js';
export type {
  JobHandlerFunction,
  RegisterOptions,
} from './handlers/handler.js';
export { Job, jobEntity } from './job/job.entity.js';
export type { AttemptRecord } from './job/attempt-record.js';
export {
  JOB_STATUSES,
  JOB_TRANSITIONS,
  type JobStatus,
} from './job/job-transitions.js';
export {
  KyuEvents,
  type KyuEvent,
  type KyuEventMap,
} from './events/kyu-events.js';
export type { JobEvent, JobEventMap } from './events/job-events.js';
export { OnJobEvent } from './listeners/on-job-event.decorator.js';
export { currentJob } from './context/current-job.js';
export { JobLogger } from './context/job-logger.js';
export { KyuHealth } from './health/kyu-health.js';
export {
  getKyuHealthToken,
  InjectKyuHealth,
} from './health/inject-kyu-health.js';
export type {
  KyuHealthLimits,
  KyuHealthReport,
} from './health/health-report.js';
export { isKyuMetrics } from './metrics/metrics.controller.js';
export { migrateKyu, revertKyuMigration } from './store/migrator.js';
export {
  DuplicateHandlerError,
  InvalidJobError,
  InvalidOptionsError,
  JobNotCancellableError,
  JobNotFoundError,
  KyuBusyError,
  KyuError,
  PostgresUnavailableError,
  QueueClosedError,
  SchemaOutOfDateError,
  TransactionConflictError,
  type KyuErrorCode,
  type PayloadIssue,
} from './errors/kyu.errors.js';
export {
  JobCancelledError,
  JobTimeoutError,
  LeaseExpiredError,
  UnrecoverableJobError,
  WorkerStoppingError,
} from './errors/run.errors.js';
export {
  MissingGrantsError,
  UnsupportedPostgresError,
} from './errors/postgres.errors.js';
