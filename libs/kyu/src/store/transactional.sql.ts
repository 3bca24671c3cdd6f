import { is } from './fragments.sql.js';
import { insertJobs, type InsertedRow } from './job.sql.js';
import { Statement } from './statement.js';

/** What Kyu does on connections of others, and in transactions that are not a single statement's. */

/**
 * enqueue, by any client: $1 queue, $2 the jobs as JSON. Texts only, as no two clients write arrays, nulls and times alike. `at_ms`: milliseconds since
 * 1970, or null for now.
 */
export const INSERT_JOBS_FROM_JSON = new Statement<InsertedRow>(
  'enqueue_json',
  ({ jobs }) =>
    insertJobs(
      jobs,
      '$1::text',
      `(SELECT id, job_type, payload, priority, max_retries, timeout_ms, to_timestamp(at_ms / 1000) AS at, context
          FROM json_to_recordset($2::text::json)
            AS job(id uuid, job_type text, payload text, priority int, max_retries int, timeout_ms int, at_ms float8, context text)) AS new`,
      'true',
    ),
);

/**
 * Whether the connection is in no transaction but that of this very statement. Sent without parameters: then it is one message to the server, and a
 * transaction that begins with it begins at the same microsecond.
 */
export const IS_IN_NO_TRANSACTION = new Statement<{ alone: boolean }>(
  'in_no_transaction',
  () => 'SELECT pg_catalog.now() = pg_catalog.statement_timestamp() AS alone',
);

/**
 * Where the jobs table is, as far as one can tell without special rights: two connections that give the same answer write to the same table. `has_table`
 * is asked beside it, because a missing table would cost the caller its transaction.
 */
export const LOCATE_TABLE = new Statement<{
  place: string;
  has_table: boolean;
}>(
  'locate_table',
  ({ jobs }) => `
  SELECT concat_ws('/', extract(epoch FROM pg_postmaster_start_time()), db.oid, to_regclass('${jobs}')::oid) AS place,
         to_regclass('${jobs}') IS NOT NULL AS has_table
    FROM pg_catalog.pg_database AS db WHERE db.datname = current_database()`,
);

/** $1 ids, $2 queue: those of the jobs that are stored and wait. */
export const FIND_WAITING = new Statement<{
  id: string;
  job_type: string;
  priority: number;
  status: 'scheduled' | 'pending';
  due_in_ms: number;
}>(
  'find_waiting',
  ({ jobs }) => `
  SELECT id, job_type, priority, status, (extract(epoch FROM scheduled_at - clock_timestamp()) * 1000)::float8 AS due_in_ms
    FROM ${jobs} WHERE id = ANY($1::uuid[]) AND queue = $2 AND status IN ('pending', 'scheduled')`,
);

/**
 * $1 id, $2 token, $3 worker, $4 milliseconds: the first statement of a transactional run. No row: the job is ours no more, or its cancel was asked for.
 * A handler may let its transaction idle for as long as it may run, which is longer than what Kyu's sessions allow themselves; and not longer.
 */
export const BEGIN_RUN = new Statement<{ pid: number }>(
  'begin_run',
  ({ jobs }) => `
  SELECT pg_backend_pid() AS pid, set_config('idle_in_transaction_session_timeout', $4::text, true) FROM ${jobs} AS job
   WHERE id = $1 AND ${is('running')} AND claim_token = $2 AND locked_by = $3 AND cancel_requested_at IS NULL`,
);

/**
 * $1 process id: ends a session in the middle of whatever it does. Left alone it would keep its locks until its statement is done, and only then find
 * that nobody listens.
 */
export const END_SESSION = new Statement<unknown>(
  'end_session',
  () => 'SELECT pg_terminate_backend($1)',
);

/**
 * $1 id, $2 token, $3 worker: keeps the row as it is until the transaction ends, so that no cancel and no rescue comes between here and the commit. Waits
 * for who holds it: nobody else waits with us. No row: as above.
 */
export const HOLD_RUN = new Statement<{ id: string }>(
  'hold_run',
  ({ jobs }) => `
  SELECT id FROM ${jobs} AS job
   WHERE id = $1 AND ${is('running')} AND claim_token = $2 AND locked_by = $3 AND cancel_requested_at IS NULL FOR UPDATE`,
);
