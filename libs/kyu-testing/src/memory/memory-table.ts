import {
  Job,
  PostgresUnavailableError,
  type AttemptRecord,
  type JobStatus,
} from '@kyu/nestjs';
import { MAX_HISTORY, type NewJob } from '@kyu/nestjs/testing-internals';

/** A row of the jobs table; JSON as text, times in milliseconds since 1970. */
export interface Row {
  readonly id: string;
  readonly queue: string;
  readonly jobType: string;
  readonly payloadJson: string;
  readonly contextJson: string | null;
  readonly priority: number;
  readonly maxRetries: number;
  readonly timeoutMs: number;
  readonly createdAt: number;
  /** When it was first to run; `scheduledAt` becomes the time of its retry. */
  readonly firstDueAt: number;
  status: JobStatus;
  scheduledAt: number;
  updatedAt: number;
  retryCount: number;
  claimToken: number;
  errorMessage: string | null;
  resultJson: string | null;
  lockedBy: string | null;
  lockedAt: number | null;
  completedAt: number | null;
  cancelRequested: boolean;
  history: readonly AttemptRecord[];
}

/** Is responsible for the jobs of one registration, and for the clock that decides which of them are due. */
export class MemoryTable {
  private readonly rows = new Map<string, Row>();
  /** Those of them that may not have ended: a drain of many jobs must not look at all that it has run for each. */
  private readonly open = new Set<Row>();
  private aheadMs = 0;
  /** As if PostgreSQL could not be reached. */
  isDown = false;

  /** The time of the table: that of the process, and what it was moved ahead. */
  get now(): number {
    return Date.now() + this.aheadMs;
  }

  /** What is later by the clock of the process, by that of the table: as much later. */
  fromProcessTime(time: Date): Date {
    return time.getTime() > Date.now()
      ? new Date(time.getTime() + this.aheadMs)
      : time;
  }

  /** Moves the clock ahead; it never goes back. */
  moveTo(time: number): void {
    this.aheadMs += Math.max(0, time - this.now);
  }

  /** Every row, the oldest first. @throws {PostgresUnavailableError} */
  all(): Row[] {
    this.expectUp();
    return [...this.rows.values()];
  }

  /** The rows that have not ended, the oldest first; a row that has ended stays so. @throws {PostgresUnavailableError} */
  unfinished(): Row[] {
    this.expectUp();
    for (const row of this.open)
      if (row.completedAt !== null) this.open.delete(row);
    return [...this.open];
  }

  /** @throws {PostgresUnavailableError} */
  find(id: string): Row | undefined {
    this.expectUp();
    return this.rows.get(id);
  }

  /** Also when PostgreSQL cannot be reached: whose transaction has committed asks no more. */
  insert(queue: string, jobs: readonly NewJob[]): Row[] {
    const { now } = this;
    return jobs.map((job) => {
      const at = job.scheduledAt?.getTime() ?? now;
      const row: Row = {
        id: job.id,
        queue,
        jobType: job.jobType,
        payloadJson: job.payloadJson,
        contextJson: job.contextJson ?? null,
        priority: job.priority,
        maxRetries: job.maxRetries,
        timeoutMs: job.timeoutMs,
        createdAt: now,
        firstDueAt: at,
        status: at > now ? 'scheduled' : 'pending',
        scheduledAt: at,
        updatedAt: now,
        retryCount: 0,
        claimToken: 0,
        errorMessage: null,
        resultJson: null,
        lockedBy: null,
        lockedAt: null,
        completedAt: null,
        cancelRequested: false,
        history: [],
      };
      this.rows.set(row.id, row);
      this.open.add(row);
      return row;
    });
  }

  /** Makes due jobs pending, and returns them. */
  promoteDue(): Row[] {
    const { now } = this;
    const due = this.unfinished().filter(
      ({ status, scheduledAt }) =>
        (status === 'scheduled' || status === 'failed') && scheduledAt <= now,
    );
    for (const row of due) {
      row.status = 'pending';
      row.updatedAt = now;
    }
    return due;
  }

  /** Ends the run that holds the row, and writes it into the history. */
  endRun(
    row: Row,
    outcome: AttemptRecord['outcome'],
    error?: { error: string; stack?: string },
  ): void {
    const { now } = this;
    const run: AttemptRecord = {
      token: row.claimToken,
      worker: row.lockedBy!,
      startedAt: new Date(row.lockedAt!).toISOString(),
      durationMs: now - row.lockedAt!,
      outcome,
      ...(error && { error: error.error }),
      ...(error?.stack !== undefined && { stack: error.stack }),
    };
    row.history = [...row.history, run].slice(-MAX_HISTORY);
    row.lockedBy = null;
    row.lockedAt = null;
    row.updatedAt = now;
  }

  /** @throws {PostgresUnavailableError} */
  expectUp(): void {
    if (this.isDown)
      throw new PostgresUnavailableError(
        'PostgreSQL is down: the test says so, by faults(queue).postgresDown().',
      );
  }
}

/** The row as `inspect()` shows it. */
export const toJob = (row: Row): Job =>
  Object.assign(new Job(), {
    id: row.id,
    queue: row.queue,
    jobType: row.jobType,
    payload: JSON.parse(row.payloadJson) as unknown,
    status: row.status,
    priority: row.priority,
    scheduledAt: new Date(row.scheduledAt),
    maxRetries: row.maxRetries,
    retryCount: row.retryCount,
    errorMessage: row.errorMessage,
    lockedBy: row.lockedBy,
    lockedAt: dateOf(row.lockedAt),
    completedAt: dateOf(row.completedAt),
    timeoutMs: row.timeoutMs,
    createdAt: new Date(row.createdAt),
    updatedAt: new Date(row.updatedAt),
    claimToken: row.claimToken,
    crashCount: 0,
    history: [...row.history],
    result: parsed(row.resultJson),
    context: parsed(row.contextJson),
  });

const dateOf = (time: number | null): Date | null =>
  time === null ? null : new Date(time);

const parsed = (json: string | null): unknown =>
  json === null ? null : (JSON.parse(json) as unknown);
