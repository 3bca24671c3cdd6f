import { appendCrash, giveBack } from './fragments.sql.js';
import { Statement, type SqlNames } from './statement.js';

/** The statements of {@link MaintenanceStore}: what moves without a caller. */

export interface PromotedRow {
  id: string | null;
  priority: number | null;
  next_due_in_ms: number | null;
}

/**
 * promote: $1 queue, $2 how many at most. Due rows become pending. Every result row also says when the next job of the queue comes
 * due (ms, null for never); when nothing was promoted there is one row, with a null id. SKIP LOCKED: every worker process
 * has a scheduler, and they must share the work, not wait for each other.
 */
export const PROMOTE_DUE = new Statement<PromotedRow>(
  'promote',
  ({ jobs }) => `
  WITH due AS MATERIALIZED (
    SELECT id FROM ${jobs} WHERE queue = $1 AND status IN ('scheduled', 'failed') AND scheduled_at <= now()
     ORDER BY scheduled_at LIMIT $2 FOR UPDATE SKIP LOCKED
  ), promoted AS (
    -- By an array, not a join: the planner would guess many rows and read the whole table.
    UPDATE ${jobs} AS job SET status = 'pending', updated_at = now() WHERE job.id = ANY(ARRAY(SELECT id FROM due))
    RETURNING job.id, job.priority
  ), next AS (
    SELECT (extract(epoch FROM min(scheduled_at) - now()) * 1000)::float8 AS next_due_in_ms FROM ${jobs}
     WHERE queue = $1 AND status IN ('scheduled', 'failed') AND scheduled_at > now()
  )
  SELECT promoted.id, promoted.priority, next.next_due_in_ms FROM next LEFT JOIN promoted ON true`,
);

/**
 * $1 queue, $2 how many, $3 ms after which a worker's heartbeat is too old. Waiting jobs of types that a live worker can run: a type that nobody handles
 * must not fill the window.
 */
const runnable = ({ jobs, workers }: SqlNames): string => `
  SELECT id, priority FROM ${jobs}
   WHERE queue = $1 AND status = 'pending' AND scheduled_at <= now()
     AND job_type = ANY (ARRAY(
           SELECT DISTINCT unnest(job_types) FROM ${workers}
            WHERE queue = $1 AND heartbeat_at > now() - $3::float8 * interval '1 millisecond'))`;

/** refill: the best waiting jobs. Parameters as above. */
export const BEST_WAITING = new Statement<{ id: string; priority: number }>(
  'refill',
  (names) => `${runnable(names)} ORDER BY priority DESC, id LIMIT $2`,
);

/**
 * refill, behind the tail of the window: parameters as above, and $4 priority and $5 id of the tail. Nothing before it is read again: neither the
 * jobs that were claimed since, nor what PostgreSQL could not yet remove of them, which is all of it while somebody's transaction is open. Two
 * branches, as the index can begin at one priority or at the next. The tail's priority is said as a range: with `=` the order by id alone would do, and the
 * planner takes the primary key, which leads past everything that was enqueued since, in whatever queue and state.
 */
export const BEST_WAITING_BEHIND = new Statement<{
  id: string;
  priority: number;
}>(
  'refill_behind',
  (names) => `
  (${runnable(names)} AND priority >= $4::int AND priority <= $4::int AND id > $5::uuid ORDER BY priority DESC, id LIMIT $2)
  UNION ALL
  (${runnable(names)} AND priority < $4::int ORDER BY priority DESC, id LIMIT $2)
  LIMIT $2`,
);

export interface RescuedRow {
  id: string;
  job_type: string;
  status: 'pending' | 'dead' | 'cancelled';
  worker: string;
}

/**
 * The first crash counts for every job that the worker had claimed: one of them may have killed it. From then on only for those that had begun, so
 * that a job which kills its workers does not bury the others that were claimed beside it. (A counter at the end of `integer` stays there.)
 */
const CRASHES =
  '(job.crash_count + (job.crash_count < 2147483647 AND (job.crash_count = 0 OR job.started_at IS NOT NULL))::int)';

/**
 * rescue: $1 queue, $2 ms of silence after which a worker is gone, $3 ms that a job may overrun its timeout on a live worker, $4 crashes that
 * kill a job, $5 how many at most. One statement, so a job that settles at the same moment is settled or rescued, never both.
 */
export const RESCUE_STALE = new Statement<RescuedRow>(
  'rescue',
  ({ jobs, workers }) => `
  WITH stale AS MATERIALIZED (
    SELECT id, locked_by FROM ${jobs} AS job
     WHERE queue = $1 AND status = 'running'
       AND (NOT EXISTS (SELECT 1 FROM ${workers} AS worker WHERE worker.id = job.locked_by
                           AND worker.heartbeat_at > now() - $2 * interval '1 millisecond')
            OR locked_at < now() - (timeout_ms + $3::float8) * interval '1 millisecond')
     LIMIT $5 FOR UPDATE SKIP LOCKED
  )
  UPDATE ${jobs} AS job
     SET ${giveBack('job', `${CRASHES} >= $4`)},
         crash_count = ${CRASHES}, started_at = NULL,
         error_message = 'The worker ' || job.locked_by || ' was lost while it ran this job.',
         locked_by = NULL, locked_at = NULL, updated_at = now(),
         history = ${appendCrash()}
    FROM stale WHERE job.id = stale.id
  RETURNING job.id, job.job_type, job.status, stale.locked_by AS worker`,
);

/**
 * prune: $1 queue, $2 ms to keep completed jobs, $3 cancelled, $4 dead (null: for ever), $5 the smallest of them, $6 how many. Ids are made of
 * time, so the primary key leads to the old rows, and finished jobs need no index of their own that every settle would pay for.
 * (A row whose id somebody made otherwise stays until its id looks old.)
 */
export const PRUNE_FINISHED = new Statement<{ pruned: number }>(
  'prune',
  ({ jobs }) => `
  WITH old AS MATERIALIZED (
    SELECT id FROM ${jobs}
     WHERE id < (lpad(to_hex((extract(epoch FROM now()) * 1000 - $5::float8)::bigint), 12, '0') || '00000000000000000000')::uuid
       AND queue = $1
       AND completed_at < now() - interval '1 millisecond' *
             CASE status WHEN 'completed' THEN $2::float8 WHEN 'cancelled' THEN $3::float8 WHEN 'dead' THEN $4::float8 END
     ORDER BY id LIMIT $6 FOR UPDATE SKIP LOCKED
  ), pruned AS (
    DELETE FROM ${jobs} AS job USING old WHERE job.id = old.id AND job.status IN ('completed', 'cancelled', 'dead') RETURNING 1
  )
  SELECT count(*) AS pruned FROM pruned`,
);
