import type { NewJob } from '../job/new-job.js';
import type { InsertedRow } from './job.sql.js';

/** A job that was stored. */
export interface EnqueuedJob {
  id: string;
  jobType: string;
  priority: number;
  /** `running`: claimed by who enqueued it. */
  status: 'scheduled' | 'pending' | 'running';
  /** Milliseconds until it is due; not above 0 when it is due now. */
  dueInMs: number;
}

/** What became of the jobs that a statement stored, from what it returned. @throws {Error} when it did not store all of them. */
export function enqueuedJobs(
  jobs: readonly NewJob[],
  rows: readonly InsertedRow[],
): EnqueuedJob[] {
  expectStored(jobs.length, rows);
  // The application may have its own idea of what a float8 becomes.
  const later = new Map(
    rows.flatMap(({ id, ms }): [string, number][] =>
      id === null ? [] : [[id, Number(ms)]],
    ),
  );
  return jobs.map(({ id, jobType, priority }) => {
    // Nearly always none is later: then no id need be hashed.
    const dueInMs = later.size > 0 ? later.get(id) : undefined;
    return dueInMs === undefined
      ? { id, jobType, priority, status: 'pending', dueInMs: 0 }
      : { id, jobType, priority, status: 'scheduled', dueInMs };
  });
}

/** The time of the server, if a row that a statement returned tells it. */
export function serverTimeOf(rows: readonly InsertedRow[]): number | undefined {
  const [row] = rows;
  return row && row.id === null && row.ms !== null ? Number(row.ms) : undefined;
}

/** @throws {Error} when a statement stored fewer. */
export function expectStored(count: number, rows: readonly unknown[]): void {
  if (rows.length !== count)
    throw new Error(
      `PostgreSQL stored ${rows.length} of ${count} jobs, and reported no error. Is there a trigger or a rule on the jobs table that drops rows?`,
    );
}
