import { EntitySchema } from 'typeorm';
import type { AttemptRecord } from './attempt-record.js';
import { fullHistory } from './attempt-record.sql.js';
import type { JobStatus } from './job-transitions.js';
import { qualifyFunctions } from './qualify-functions.js';
import type { TableNames } from './table-names.js';

/**
 * A job as the table holds it. Times are the database's.
 *
 * @publicApi
 */
export class Job {
  /** UUIDv7; ids sort in the order of enqueueing. */
  id: string;
  /** The queue that it waits in. */
  queue: string;
  /** The name that its handler is registered under. */
  jobType: string;
  /** What `enqueue()` was given: a string as that string, anything else as its JSON. */
  payload: unknown;
  status: JobStatus;
  /** Higher starts first; default 0. */
  priority: number;
  /** It does not start before this time. */
  scheduledAt: Date;
  /** How often it is retried after a failure. */
  maxRetries: number;
  /** Retries used so far. Crashes and graceful stops do not count. */
  retryCount: number;
  /** The last error, or null. */
  errorMessage: string | null;
  /** The worker that runs it now (`host:pid:random`), or null. */
  lockedBy: string | null;
  /** When that worker claimed it, or null. */
  lockedAt: Date | null;
  /** When it reached completed, dead or cancelled, or null. */
  completedAt: Date | null;
  /** How long one run may take, in milliseconds. */
  timeoutMs: number;
  createdAt: Date;
  updatedAt: Date;
  /** The fencing token: the number of claims so far. A settle with an older one changes nothing. */
  claimToken: number;
  /** How many workers were lost while they ran it. */
  crashCount: number;
  /** The runs so far, oldest first; the newest 100 are kept. To be read only: in a `where` it is the column, which has no run that completed the job. */
  history: AttemptRecord[];
  /** What the handler returned, if it was JSON of at most 64 KiB, else null. */
  result: unknown;
  /** What travels with it, or null: `user`, as the application captured it, and `trace`, the trace context of its enqueue. */
  context: unknown;
}

/**
 * The TypeORM mapping of {@link Job} for one schema and table prefix. A schema object and not decorators, because decorators fix
 * the table's name for the whole process. Add it to your own `DataSource` to use repositories on the jobs table.
 *
 * @publicApi
 */
export function jobEntity(tables: TableNames): EntitySchema<Job> {
  return new EntitySchema<Job>({
    name: `${tables.schema}.${tables.prefix}Job`,
    target: Job,
    schema: tables.schema,
    tableName: `${tables.prefix}jobs`,
    // The table is the migrations' alone: TypeORM's own idea of it has no checks and no partial indexes, and would drop them.
    synchronize: false,
    columns: {
      id: { type: 'uuid', primary: true },
      queue: { type: 'text' },
      jobType: { type: 'text', name: 'job_type' },
      payload: { type: 'json' },
      status: { type: 'text' },
      priority: { type: 'integer', default: 0 },
      scheduledAt: { type: 'timestamptz', name: 'scheduled_at' },
      maxRetries: { type: 'integer', name: 'max_retries' },
      retryCount: { type: 'integer', name: 'retry_count', default: 0 },
      errorMessage: { type: 'text', name: 'error_message', nullable: true },
      lockedBy: { type: 'text', name: 'locked_by', nullable: true },
      lockedAt: { type: 'timestamptz', name: 'locked_at', nullable: true },
      completedAt: {
        type: 'timestamptz',
        name: 'completed_at',
        nullable: true,
      },
      timeoutMs: { type: 'integer', name: 'timeout_ms' },
      createdAt: { type: 'timestamptz', name: 'created_at' },
      updatedAt: { type: 'timestamptz', name: 'updated_at' },
      claimToken: { type: 'integer', name: 'claim_token', default: 0 },
      crashCount: { type: 'integer', name: 'crash_count', default: 0 },
      history: {
        type: 'jsonb',
        // The run that completed it is in columns of its own.
        virtualProperty: true,
        query: (job) => qualifyFunctions(fullHistory(job)),
      },
      result: { type: 'json', nullable: true },
      context: { type: 'json', nullable: true },
    },
  });
}
