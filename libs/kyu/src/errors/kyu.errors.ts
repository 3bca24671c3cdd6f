import { brand } from './brand.js';

/** The codes of Kyu's errors: stable, for `switch` statements and log filters. */
export type KyuErrorCode =
  | 'KYU_INVALID_OPTIONS'
  | 'KYU_INVALID_JOB'
  | 'KYU_JOB_NOT_FOUND'
  | 'KYU_JOB_NOT_CANCELLABLE'
  | 'KYU_NOT_A_JOB'
  | 'KYU_DUPLICATE_HANDLER'
  | 'KYU_BUSY'
  | 'KYU_QUEUE_CLOSED'
  | 'KYU_POSTGRES_UNAVAILABLE'
  | 'KYU_UNSUPPORTED_POSTGRES'
  | 'KYU_MISSING_GRANTS'
  | 'KYU_SCHEMA_OUT_OF_DATE'
  | 'KYU_TRANSACTION_CONFLICT'
  | 'KYU_JOB_TIMEOUT'
  | 'KYU_JOB_CANCELLED'
  | 'KYU_LEASE_EXPIRED'
  | 'KYU_WORKER_STOPPING'
  | 'KYU_UNRECOVERABLE_JOB';

/**
 * The base of every error that Kyu throws.
 *
 * @publicApi
 */
export class KyuError extends Error {
  constructor(
    readonly code: KyuErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** An error of the boot. What went wrong is in its message; a stack of Nest's and Node's frames, and that of a cause, would only hide it. */
export class KyuBootError extends KyuError {
  constructor(code: KyuErrorCode, message: string) {
    super(code, message);
    this.stack = `${this.name}: ${message}`;
  }
}

/**
 * An option of the module that is unknown or impossible. Thrown at boot.
 *
 * @publicApi
 */
export class InvalidOptionsError extends KyuBootError {
  constructor(readonly problems: readonly string[]) {
    super(
      'KYU_INVALID_OPTIONS',
      `Kyu cannot start with these options:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
  }
}

/**
 * One thing that the schema of a job has against a payload.
 *
 * @publicApi
 */
export interface PayloadIssue {
  /** Where: `items[0].sku`; empty for the payload as a whole. */
  readonly path: string;
  /** What, in the words of the schema. */
  readonly message: string;
}

/**
 * What was handed to `enqueue()` (or asked about) cannot be a job. Nothing was stored.
 *
 * @publicApi
 */
export class InvalidJobError extends KyuError {
  /** What the job's schema has against the payload; empty when something else is wrong. */
  readonly issues: readonly PayloadIssue[];

  constructor(
    message: string,
    options: { cause?: unknown; issues?: readonly PayloadIssue[] } = {},
  ) {
    const { issues = [], ...rest } = options;
    super('KYU_INVALID_JOB', message, rest);
    this.issues = issues;
  }
}

/**
 * No job has this id in this queue.
 *
 * @publicApi
 */
export class JobNotFoundError extends KyuError {
  constructor(
    readonly jobId: string,
    queue: string,
  ) {
    super(
      'KYU_JOB_NOT_FOUND',
      `No job ${jobId} in queue "${queue}". Was it enqueued in another queue, or removed?`,
    );
  }
}

/**
 * The job is finished, so it can no longer be cancelled.
 *
 * @publicApi
 */
export class JobNotCancellableError extends KyuError {
  constructor(
    readonly jobId: string,
    readonly status: string,
  ) {
    super(
      'KYU_JOB_NOT_CANCELLABLE',
      `Job ${jobId} is ${status}: it has ended and can no longer be cancelled.`,
    );
  }
}

/**
 * Two methods claim the same job type. Thrown at boot.
 *
 * @publicApi
 */
export class DuplicateHandlerError extends KyuBootError {
  constructor(
    readonly jobType: string,
    places: readonly [string, string],
    advice: string,
  ) {
    super(
      'KYU_DUPLICATE_HANDLER',
      `Two handlers for the job type "${jobType}": ${places[0]} and ${places[1]}. ${advice}`,
    );
  }
}

/**
 * `runOnce()` was called while the same module already works through its queue.
 *
 * @publicApi
 */
export class KyuBusyError extends KyuError {
  constructor(message: string) {
    super('KYU_BUSY', message);
  }
}

/**
 * The application has closed, or the `DataSource` that it lends to Kyu: nothing of what was asked for was done.
 *
 * @publicApi
 */
export class QueueClosedError extends KyuError {
  readonly outcome = 'not done';

  constructor() {
    super(
      'KYU_QUEUE_CLOSED',
      'This queue is closed, because its application is, or the DataSource that it uses. Nothing was done. Call it before app.close(), or from a shutdown hook of the application.',
    );
  }
}

/**
 * PostgreSQL cannot be reached or refuses the connection: at boot, or when a call needs it.
 *
 * @publicApi
 */
export class PostgresUnavailableError extends KyuBootError {
  constructor(
    message: string,
    /** Whether what was asked for was certainly not done, or may have been done before the connection broke. */
    readonly outcome: 'not done' | 'unknown' = 'not done',
  ) {
    super('KYU_POSTGRES_UNAVAILABLE', message);
  }
}

/**
 * The tables are missing or older than this version of Kyu, and `postgres.migrations` is `'manual'`.
 *
 * @publicApi
 */
export class SchemaOutOfDateError extends KyuBootError {
  constructor(readonly pending: readonly string[]) {
    super(
      'KYU_SCHEMA_OUT_OF_DATE',
      `The Kyu tables lack ${pending.length} migration(s): ${pending.join(', ')}. ` +
        "Run migrateKyu(postgresOptions) with a role that may create tables, or set postgres.migrations to 'auto'.",
    );
  }
}

/**
 * PostgreSQL undid a transaction because of another one: a serialization failure (SQLSTATE 40001)
 * or a deadlock (40P01). The `cause` has the SQLSTATE. Nothing was stored. In a transaction of the
 * caller's, the whole of it has to be done again. Kyu has tried its own statements several times.
 *
 * @publicApi
 */
export class TransactionConflictError extends KyuError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('KYU_TRANSACTION_CONFLICT', message, options);
  }
}

// Each error above, by the name that its class has in every copy of this package.
for (const [name, type] of Object.entries({
  KyuError,
  KyuBootError,
  InvalidOptionsError,
  InvalidJobError,
  JobNotFoundError,
  JobNotCancellableError,
  DuplicateHandlerError,
  KyuBusyError,
  QueueClosedError,
  PostgresUnavailableError,
  SchemaOutOfDateError,
  TransactionConflictError,
}))
  brand(type, name);
