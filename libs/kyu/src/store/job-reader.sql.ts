import { epochMs, FULL_HISTORY, is } from './fragments.sql.js';
import { Statement } from './statement.js';

/** The statements of {@link JobReader}: they change nothing. */

/** A row as {@link COLUMNS} selects it: JSON as text, times as milliseconds since 1970. */
export interface JobRow {
  id: string;
  queue: string;
  job_type: string;
  payload: string;
  status: string;
  priority: number;
  scheduled_at: number;
  max_retries: number;
  retry_count: number;
  error_message: string | null;
  locked_by: string | null;
  locked_at: number | null;
  completed_at: number | null;
  timeout_ms: number;
  created_at: number;
  updated_at: number;
  claim_token: number;
  crash_count: number;
  history: string;
  result: string | null;
  context: string | null;
}

const inMs = (column: string): string => `${epochMs(column)} AS ${column}`;

const COLUMNS = `id, queue, job_type, payload, status, priority, ${inMs('scheduled_at')}, max_retries, retry_count, error_message,
  locked_by, ${inMs('locked_at')}, ${inMs('completed_at')}, timeout_ms, ${inMs('created_at')}, ${inMs('updated_at')}, claim_token, crash_count,
  ${FULL_HISTORY} AS history, result, context`;

/** $1 id, $2 queue. */
export const FIND_JOB = new Statement<JobRow>(
  'inspect',
  ({ jobs }) =>
    `SELECT ${COLUMNS} FROM ${jobs} AS job WHERE id = $1 AND queue = $2`,
);

/** $1 queue, $2 how many, $3 the id to go on below, or null to begin with the newest. */
export const FIND_DEAD = new Statement<JobRow>(
  'dead_jobs',
  ({ jobs }) => `
  SELECT ${COLUMNS} FROM ${jobs} AS job WHERE queue = $1 AND status = 'dead' AND ($3::uuid IS NULL OR id < $3)
   ORDER BY id DESC LIMIT $2`,
);

/** $1 queue. An index-only count of what waits. */
export const COUNT_WAITING = new Statement<{ waiting: number }>(
  'count_waiting',
  ({ jobs }) =>
    `SELECT count(*) AS waiting FROM ${jobs} WHERE queue = $1 AND status = 'pending'`,
);

/** $1 queue, $2 ids, $3 the types that can be run: the jobs that a claim refused because of their type. */
export const FIND_UNHANDLED = new Statement<{ id: string; job_type: string }>(
  'unhandled',
  ({ jobs }) => `
  SELECT id, job_type FROM ${jobs} AS job
   WHERE id = ANY($2::uuid[]) AND queue = $1 AND ${is('pending')} AND NOT job_type = ANY($3::text[])`,
);

/** $1 queue, $2 the types that can be run: some of the jobs that wait for another handler. */
export const FIND_UNHANDLED_WAITING = new Statement<{
  id: string;
  job_type: string;
}>(
  'unhandled_waiting',
  ({ jobs }) => `
  SELECT id, job_type FROM ${jobs}
   WHERE queue = $1 AND status = 'pending' AND NOT job_type = ANY($2::text[]) ORDER BY priority DESC, id LIMIT 10`,
);

/**
 * $1 ids: how many of them are of no job in this table. One lookup by the primary key for each id:
 * a join would have the planner guess, and read the whole table.
 */
export const COUNT_UNKNOWN = new Statement<{ unknown: number }>(
  'count_unknown',
  ({ jobs }) => `
  SELECT count(*) AS unknown FROM unnest($1::uuid[]) AS popped (id)
   WHERE (SELECT job.id FROM ${jobs} AS job WHERE job.id = popped.id) IS NULL`,
);
