import { Statement } from './statement.js';

/** The statement of {@link HealthReader}. It changes nothing, and reads a bounded number of rows however long the queue is: probes come every few seconds. */

export interface HealthRow {
  workers_alive: number;
  /** A job that this worker could run has been due for too long. */
  overdue: boolean;
  oldest_waiting_ms: number | null;
  migrations: string;
}

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
  ), oldest AS (
    SELECT min(scheduled_at) AS due FROM level CROSS JOIN LATERAL
      (SELECT scheduled_at FROM ${jobs} WHERE queue = $1 AND status = 'pending' AND priority = level.priority ORDER BY id LIMIT ${JOBS_OF_EACH}) AS waiting
  ), best AS MATERIALIZED (
    SELECT job_type, scheduled_at FROM ${jobs} WHERE queue = $1 AND status = 'pending' AND cardinality($3::text[]) > 0
     ORDER BY priority DESC, id LIMIT ${BEST}
  )
  SELECT (SELECT count(*) FROM ${workers} WHERE queue = $1 AND heartbeat_at > now() - $2 * interval '1 millisecond') AS workers_alive,
         EXISTS (SELECT 1 FROM best WHERE job_type = ANY($3::text[])
                    AND scheduled_at <= now() - $4 * interval '1 millisecond') AS overdue,
         (SELECT greatest(0, (extract(epoch FROM now() - due) * 1000)::float8) FROM oldest WHERE due IS NOT NULL) AS oldest_waiting_ms,
         (SELECT coalesce(json_agg(name ORDER BY id), '[]') FROM ${migrations}) AS migrations`,
);
