import { Injectable } from '@nestjs/common';
import { Database } from './database.js';
import {
  BEST_WAITING,
  BEST_WAITING_BEHIND,
  PROMOTE_DUE,
  PRUNE_FINISHED,
  RESCUE_STALE,
} from './maintenance.sql.js';

/** An id with what decides its place in the ready queue. */
export interface WaitingJob {
  id: string;
  priority: number;
}

export interface RescuedJob {
  id: string;
  jobType: string;
  status: 'pending' | 'dead' | 'cancelled';
  /** The worker that was lost. */
  worker: string;
}

/** Is responsible for the moves that nobody asks for: promote, refill's look at the order, rescue. */
@Injectable()
export class MaintenanceStore {
  constructor(private readonly database: Database) {}

  /** Makes due jobs pending. `nextDueInMs` is undefined when nothing is scheduled. */
  async promoteDue(
    queue: string,
    limit: number,
  ): Promise<{ promoted: WaitingJob[]; nextDueInMs: number | undefined }> {
    const rows = await this.database.run(PROMOTE_DUE, [queue, limit]);
    return {
      promoted: rows.flatMap(({ id, priority }) =>
        id === null ? [] : [{ id, priority: priority! }],
      ),
      nextDueInMs: rows[0]?.next_due_in_ms ?? undefined,
    };
  }

  /** The best waiting jobs that a live worker can run, best first. */
  bestWaiting(
    queue: string,
    limit: number,
    heartbeatTimeoutMs: number,
  ): Promise<WaitingJob[]> {
    return this.database.run(BEST_WAITING, [queue, limit, heartbeatTimeoutMs]);
  }

  /** The best of those that sort behind `tail`. */
  bestWaitingBehind(
    tail: WaitingJob,
    queue: string,
    limit: number,
    heartbeatTimeoutMs: number,
  ): Promise<WaitingJob[]> {
    return this.database.run(BEST_WAITING_BEHIND, [
      queue,
      limit,
      heartbeatTimeoutMs,
      tail.priority,
      tail.id,
    ]);
  }

  /** Takes back the jobs of lost and hung workers. */
  async rescueStale(
    queue: string,
    options: {
      heartbeatTimeoutMs: number;
      staleJobTimeoutMs: number;
      maxCrashes: number;
      limit: number;
    },
  ): Promise<RescuedJob[]> {
    const rows = await this.database.run(RESCUE_STALE, [
      queue,
      options.heartbeatTimeoutMs,
      options.staleJobTimeoutMs,
      options.maxCrashes,
      options.limit,
    ]);
    return rows.map(({ job_type: jobType, ...row }) => ({ ...row, jobType }));
  }

  /** Deletes finished jobs that are older than their retention (ms; undefined: kept for ever), the oldest first; returns how many. */
  async pruneFinished(
    queue: string,
    retention: {
      completed: number | undefined;
      cancelled: number | undefined;
      dead: number | undefined;
    },
    limit: number,
  ): Promise<number> {
    const { completed, cancelled, dead } = retention;
    const ages = [completed, cancelled, dead];
    const smallest = Math.min(...ages.map((age) => age ?? Infinity));
    if (smallest === Infinity) return 0; // everything is kept for ever
    const [row] = await this.database.run(PRUNE_FINISHED, [
      queue,
      ...ages.map((age) => age ?? null),
      smallest,
      limit,
    ]);
    return row!.pruned;
  }
}
