import { Statement } from './statement.js';

/** The statements of {@link HealthReader}. They change nothing, and each reads a bounded number of rows however long the queue is: probes come every few seconds. */

export interface HealthRow {
  workers_alive: number;
  /** JSON of a {@link DueJob}: one that this worker could run, and that has been due for too long. */
  overdue: string | null;
  /** The same: the waiting job that has been due for longest. */
  oldest: string | null;
  /** The same, of the overdue jobs whose type no live worker has a handler for. */
  unhandled: string | null;
  migrations: string;
}

/** A waiting job, and since when it has been due. */
export interface DueJob {
  id: string;
  jobType: string;
  dueMs: number;
}

const AS_DUE_JOB = `json_build_object('id', id, 'jobType', job_type,
    'dueMs', greatest(0, (extract(epoch FROM now() - scheduled_at) * 1000)::float8))`;

/** Priorities that are looked at, the lowest first: who starves, starves there. */
const PRIORITIES = 10;
/** Jobs of each priority that are looked at, in the order of their turn. A job that was retried has an old id and may be due since just now. */
const JOBS_OF_EACH = 100;
/** The best waiting jobs, among which one that this worker could run is looked for: it would come to most of them next. */
const BEST = 1_000;

/**
 * $1 queue, $2 ms of silence after which a worker is gone, $3 types that this worker can run, $4 ms after which a due job should have been claimed.
 * The priorities are found one by one, each by a step in the waiting index: DISTINCT would read all of it.
 */
export const LOOK_AT_HEALTH = new Statement<HealthRow>(
  'health',
  ({ jobs, workers, migrations }) => `
  WITH RECURSIVE level AS (
    (SELECT 1 AS nth, priority FROM ${jobs} WHERE queue = $1 AND status = 'pending' ORDER BY priority LIMIT 1)
    UNION ALL
    SELECT nth + 1, next.priority FROM level CROSS JOIN LATERAL
      (SELECT priority FROM ${jobs} WHERE queue = $1 AND status = 'pending' AND priority > level.priority ORDER BY priority LIMIT 1) AS next
     WHERE nth < ${PRIORITIES}
  ), waiting AS MATERIALIZED (
    SELECT job.* FROM level CROSS JOIN LATERAL
      (SELECT id, job_type, scheduled_at FROM ${jobs} WHERE queue = $1 AND status = 'pending' AND priority = level.priority ORDER BY id LIMIT ${JOBS_OF_EACH}) AS job
  ), best AS MATERIALIZED (
    SELECT id, job_type, scheduled_at, claim_token FROM ${jobs} WHERE queue = $1 AND status = 'pending' AND cardinality($3::text[]) > 0
     ORDER BY priority DESC, id LIMIT ${BEST}
  ), alive AS MATERIALIZED (
    SELECT job_types FROM ${workers} WHERE queue = $1 AND heartbeat_at > now() - $2 * interval '1 millisecond'
  )
  SELECT (SELECT count(*) FROM alive) AS workers_alive,
         -- As a claim has it: one that no claim takes says nothing about this worker.
         (SELECT ${AS_DUE_JOB} FROM best WHERE job_type = ANY($3::text[]) AND claim_token < 2147483647
             AND scheduled_at <= now() - $4 * interval '1 millisecond' LIMIT 1) AS overdue,
         (SELECT ${AS_DUE_JOB} FROM waiting ORDER BY scheduled_at LIMIT 1) AS oldest,
         (SELECT ${AS_DUE_JOB} FROM waiting
           WHERE scheduled_at <= now() - $4 * interval '1 millisecond' AND NOT EXISTS (SELECT 1 FROM alive WHERE job_type = ANY(job_types))
           ORDER BY scheduled_at LIMIT 1) AS unhandled,
         (SELECT coalesce(json_agg(name ORDER BY id), '[]') FROM ${migrations}) AS migrations`,
);

/**
 * $1 queue, $2 types that this worker can run, $3 ms after which a due job should have been claimed. Asked only of a worker that seems to be stuck: the row is locked
 * for a moment, as a claim would do, because nothing else tells whether another session holds it.
 */
export const FIND_CLAIMABLE = new Statement<{ id: string }>(
  'health_claimable',
  ({ jobs }) => `
  SELECT id FROM ${jobs} WHERE id IN (
    SELECT id FROM ${jobs} WHERE queue = $1 AND status = 'pending' ORDER BY priority DESC, id LIMIT ${BEST}
  ) AND status = 'pending' AND job_type = ANY($2::text[]) AND claim_token < 2147483647
    AND scheduled_at <= now() - $3 * interval '1 millisecond'
   LIMIT 1 FOR UPDATE SKIP LOCKED`,
);
