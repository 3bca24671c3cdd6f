import {
  appendRun,
  epochMs,
  FULL_HISTORY,
  giveBack,
  IMPATIENT,
  is,
  owned,
} from './fragments.sql.js';
import { Statement } from './statement.js';

/** The statements of {@link JobStore}: a job's way from enqueue to its end. `now()` is the database's clock, always. */

/** Both null for nearly every job, which costs neither side anything. */
export interface InsertedRow {
  /** Of a job that is not due yet. */
  id: string | null;
  /** With an id: until it is due. Without one: the time of the server, in ms since 1970. */
  ms: number | null;
}

/** A commit with one of these may be lost. */
const WEAK = `'off', 'local', 'remote_write'`;

const DURABLE = `durable AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') IN (${WEAK})
  )`;

/**
 * What all enqueues do with the jobs of `source`, a table `new`. A time that has passed means now: the job is pending at once, and staged once.
 *
 * `durable` makes the commit wait for the disk where the server, the database or the role has switched that off; a stronger setting stays. It holds for the
 * rest of the transaction, which is this statement or the caller's. Times are by the wall clock, as
 * that transaction may be old: what the caller did before is no wait for a worker.
 *
 * `tells`: a condition, the rows that tell the time of the server if they are due: {@link DatabaseClock} makes the next ids of it. One is enough.
 */
export const insertJobs = (
  jobs: string,
  queue: string,
  source: string,
  tells: string,
): string => `
  WITH ${DURABLE}
  INSERT INTO ${jobs} (id, queue, job_type, payload, status, priority, max_retries, timeout_ms, scheduled_at, context, created_at)
  SELECT id, ${queue}, job_type, payload::json, CASE WHEN at > statement_timestamp() THEN 'scheduled' ELSE 'pending' END,
         priority, max_retries, timeout_ms, coalesce(at, statement_timestamp()), context::json, statement_timestamp()
    FROM (SELECT count(*) FROM durable) AS made_durable,
         ${source}
  RETURNING CASE WHEN status = 'scheduled' THEN id END AS id,
            CASE WHEN status = 'scheduled' THEN date_part('epoch', scheduled_at - clock_timestamp()) * 1000
                 WHEN ${tells} THEN date_part('epoch', clock_timestamp()) * 1000 END AS ms`;

/**
 * enqueue. $1 queue, then one array a column: $2 ids, $3 types, $4 payloads, a line each (JSON that is written without spaces has no line breaks), $5 priorities, $6 max_retries, $7 timeouts,
 * $8 scheduled_at or null for now, $9 contexts. Instead of an array of nothing but nulls, null.
 */
export const INSERT_JOBS = new Statement<InsertedRow>('enqueue', ({ jobs }) =>
  insertJobs(
    jobs,
    '$1',
    `unnest($2::uuid[], $3::text[], string_to_array($4::text, E'\\n'), $5::int[], $6::int[], $7::int[], $8::timestamptz[], $9::text[])
      AS new(id, job_type, payload, priority, max_retries, timeout_ms, at, context)`,
    'id = ($2::uuid[])[1]',
  ),
);

/**
 * enqueue and claim at once, of one job that is due: $1 queue, $2 id, $3 type, $4 payload, $5 priority, $6 max_retries, $7 timeout, $8 context, $9 worker. It is
 * never pending, so nobody else can have it. Durable as every enqueue is; one row of values, as a query around it took a twelfth of the time.
 */
export const INSERT_CLAIMED = new Statement<{ created_at: number }>(
  'enqueue_claimed',
  ({ jobs }) => `
  INSERT INTO ${jobs} (id, queue, job_type, payload, priority, max_retries, timeout_ms, context, locked_by, locked_at, claim_token, status)
  VALUES ($2, $1, $3, $4::json, $5, $6, $7, $8::json, $9, now(), 1,
          CASE WHEN current_setting('synchronous_commit') NOT IN (${WEAK}) THEN 'running'
               WHEN set_config('synchronous_commit', 'on', true) = 'on' THEN 'running' END)
  RETURNING ${epochMs('created_at')} AS created_at`,
);

/** What most jobs have. A claim sends null for it, which costs neither side anything. */
export const USUAL = {
  priority: 0,
  max_retries: 3,
  retry_count: 0,
  crash_count: 0,
  timeout_ms: 30_000,
  claim_token: 1,
};

export interface ClaimedRow extends Record<keyof typeof USUAL, number | null> {
  id: string;
  job_type: string;
  payload: string;
  created_at: number;
  /** Null: when it was created. */
  scheduled_at: number | null;
  waited_ms: number;
  context: string | null;
}

const claim = (jobs: string): string => `
  UPDATE ${jobs} AS job
     SET status = 'running', locked_by = $1, locked_at = now(), started_at = NULL, claim_token = job.claim_token + 1, updated_at = now(),
         -- Of a job that was completed once, and set back by hand.
         history = ${FULL_HISTORY}, ran_by = NULL, ran_at = NULL`;

const CLAIMED = `
  RETURNING job.id, job.job_type, job.payload::text, job.context::text,
            ${Object.entries(USUAL)
              .map(
                ([column, usual]) =>
                  `nullif(job.${column}, ${usual}) AS ${column}`,
              )
              .join(', ')},
            ${epochMs('job.created_at')} AS created_at,
            CASE WHEN job.scheduled_at <> job.created_at THEN ${epochMs('job.scheduled_at')} END AS scheduled_at,
            date_part('epoch', now() - job.scheduled_at) * 1000 AS waited_ms`;

/**
 * Of rows that were chosen first. SKIP LOCKED: whoever holds the row is claiming, cancelling or rescuing it; to wait for it would be a deadlock between
 * two workers whose batches overlap. A row that is skipped and stays pending is refilled.
 */
const claimUnheld = (jobs: string, chosen: string): string => `
  WITH chosen AS MATERIALIZED (${chosen} FOR UPDATE SKIP LOCKED)${claim(jobs)}
   WHERE job.id = ANY(ARRAY(SELECT id FROM chosen))${CLAIMED}`;

/**
 * What both claims ask of a row, beside that it is pending. A row whose counter somebody set to the end of `integer` would fail the statement, and with
 * it the claim of every other.
 */
const CLAIMABLE =
  'queue = $2 AND job_type = ANY($3::text[]) AND scheduled_at <= now() AND claim_token < 2147483647';

const POPPED = `job.id = ANY($4::uuid[]) AND ${is('pending')} AND ${CLAIMABLE}`;

/**
 * claim, by id: $1 worker, $2 queue, $3 types that it can run, $4 ids that were popped. An id may be forged, repeated, finished, cancelled or
 * running: only a pending row that is due becomes ours.
 */
export const CLAIM_POPPED = new Statement<ClaimedRow>(
  'claim_popped',
  ({ jobs }) => `${claim(jobs)}
   WHERE ${POPPED} AND ${IMPATIENT}${CLAIMED}`,
);

/** The same, when somebody holds one of the rows: all others are claimed. */
export const CLAIM_POPPED_UNHELD = new Statement<ClaimedRow>(
  'claim_popped_unheld',
  ({ jobs }) =>
    claimUnheld(jobs, `SELECT id FROM ${jobs} AS job WHERE ${POPPED}`),
);

/** claim, without Redis: $1 worker, $2 queue, $3 types, $4 how many. The best first, by the order of the waiting index. */
export const CLAIM_WAITING = new Statement<ClaimedRow>(
  'claim_waiting',
  ({ jobs }) =>
    claimUnheld(
      jobs,
      `SELECT id FROM ${jobs} WHERE status = 'pending' AND ${CLAIMABLE} ORDER BY priority DESC, id LIMIT $4`,
    ),
);

/**
 * release: $1 ids, $2 tokens, $3 worker. A graceful stop gives back what it did not finish: due at once, no attempt consumed. The token
 * stays: the next claim makes a new one, so a late settle of this run is refused.
 */
export const RELEASE_IF_OWNED = new Statement<{ id: string; status: string }>(
  'release',
  ({ jobs }) => `
  WITH run AS (SELECT * FROM unnest($1::uuid[], $2::int[]) AS run(id, token)),
       owned AS MATERIALIZED (${owned(jobs, '$3')})
  UPDATE ${jobs} AS job
     SET ${giveBack('job')}, locked_by = NULL, locked_at = NULL, started_at = NULL, updated_at = now(),
         history = ${appendRun("'released'")}
   WHERE job.id = ANY(ARRAY(SELECT id FROM owned))
  RETURNING job.id, job.status`,
);

/**
 * $1 worker, $2 the ids of all jobs that it knows to be its own. Gives back the others: claims that were committed, but whose answer never came. Their
 * worker lives, so nobody else would take them.
 */
export const RELEASE_STRAYS = new Statement<{
  id: string;
  job_type: string;
  priority: number;
  status: string;
}>(
  'release_strays',
  ({ jobs }) => `
  WITH stray AS MATERIALIZED (
    SELECT id FROM ${jobs} WHERE locked_by = $1 AND status = 'running' AND NOT id = ANY($2::uuid[]) FOR UPDATE SKIP LOCKED
  )
  UPDATE ${jobs} AS job
     SET ${giveBack('job')}, locked_by = NULL, locked_at = NULL, started_at = NULL, updated_at = now(),
         history = ${appendRun("'released'")}
    FROM stray WHERE job.id = stray.id
  RETURNING job.id, job.job_type, job.priority, job.status`,
);

/**
 * $1 ids, $2 tokens, $3 worker: which of these jobs, claimed a while ago, may still begin: ours, and nobody has asked to cancel them.
 */
export const MAY_START = new Statement<{ id: string }>(
  'may_start',
  ({ jobs }) => `
  SELECT job.id FROM ${jobs} AS job JOIN unnest($1::uuid[], $2::int[]) AS run(id, token) USING (id)
   WHERE ${is('running')} AND job.claim_token = run.token AND job.locked_by = $3 AND job.cancel_requested_at IS NULL`,
);

/**
 * $1 id, $2 token, $3 worker: the handler of a job that has lost a worker before begins now. Only of such a job does a second crash count: with it may have
 * been lost others that were claimed and had not begun. No row: it is ours no more, and must not begin.
 */
export const MARK_STARTED = new Statement<{ id: string }>(
  'mark_started',
  ({ jobs }) => `
  UPDATE ${jobs} AS job SET started_at = now() WHERE id = $1 AND ${is('running')} AND claim_token = $2 AND locked_by = $3
     AND cancel_requested_at IS NULL
  RETURNING id`,
);

/**
 * cancel: $1 id, $2 queue. A waiting job is cancelled; a running one is marked, and its next settle, release or rescue ends it. One statement, so
 * a claim or a settle at the same moment comes before or after it, never between.
 */
export const CANCEL_IF_UNFINISHED = new Statement<{
  job_type: string;
  status: 'cancelled' | 'running';
}>(
  'cancel',
  ({ jobs }) => `
  UPDATE ${jobs}
     SET status = CASE status WHEN 'running' THEN 'running' ELSE 'cancelled' END,
         completed_at = CASE WHEN status <> 'running' THEN now() END,
         cancel_requested_at = CASE status WHEN 'running' THEN coalesce(cancel_requested_at, now()) END, updated_at = now()
   WHERE id = $1 AND queue = $2 AND status IN ('scheduled', 'pending', 'failed', 'running')
  RETURNING job_type, status`,
);

/** $1 worker: the jobs that it runs and should stop. Reads the index of those alone, which is nearly always empty. */
export const FIND_CANCEL_REQUESTED = new Statement<{
  id: string;
  claim_token: number;
}>(
  'cancel_requested',
  ({ jobs }) => `
  SELECT id, claim_token FROM ${jobs} WHERE locked_by = $1 AND status = 'running' AND cancel_requested_at IS NOT NULL`,
);
