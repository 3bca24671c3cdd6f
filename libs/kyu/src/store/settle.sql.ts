import {
  appendRun,
  FULL_HISTORY,
  IMPATIENT,
  is,
  owned,
} from './fragments.sql.js';
import { Statement } from './statement.js';

/** How a run ends: the statements of {@link JobStore} for its last step. */

/** One row tells how many were settled. If it was all, the others are those that ended otherwise than asked, else all that were settled. */
export interface ToldRow {
  id: string | null;
  status: string | null;
  settled: number | null;
}

/** One array a column, or null for one that is null throughout. */
const RUNS = `
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::float8[], $5::text[], $6::text[], $7::text[])
      AS run(id, token, outcome, delay_ms, error, stack, result)`;

const COMPLETED = `run.outcome = 'completed' AND job.cancel_requested_at IS NULL`;
const FAILED = `run.outcome = 'failed' AND job.cancel_requested_at IS NULL`;
const OUTCOME = `CASE WHEN job.cancel_requested_at IS NULL THEN run.outcome ELSE 'cancelled' END`;

/** A row for each job would be as much to read as the claim's; nearly always the answer is that all went as asked. */
const told = (settled: string): string => `
  settled AS (${settled}
  RETURNING job.id, job.status, run.outcome)
  SELECT NULL::uuid AS id, NULL AS status, count(*)::int AS settled FROM settled
   UNION ALL
  SELECT id, status, NULL FROM settled WHERE status <> outcome OR (SELECT count(*) FROM settled) < cardinality($1::uuid[])`;

const settle = (jobs: string): string => `
  UPDATE ${jobs} AS job
     SET status = ${OUTCOME},
         retry_count = job.retry_count + (${FAILED})::int,
         scheduled_at = CASE WHEN ${FAILED}
                             THEN now() + run.delay_ms * interval '1 millisecond' ELSE job.scheduled_at END,
         error_message = run.error, result = run.result::json,
         locked_by = NULL, locked_at = NULL, started_at = NULL,
         completed_at = CASE WHEN run.outcome <> 'failed' OR job.cancel_requested_at IS NOT NULL THEN now() END,
         ran_by = CASE WHEN ${COMPLETED} THEN job.locked_by END, ran_at = CASE WHEN ${COMPLETED} THEN job.locked_at END,
         history = CASE WHEN ${COMPLETED} THEN job.history ELSE ${appendRun(OUTCOME, 'run.error', 'run.stack')} END,
         updated_at = now()
    FROM run WHERE job.id = run.id`;

/**
 * settle: $1 ids, $2 tokens, $3 outcomes (completed, failed, dead), $4 ms until the retry, $5 errors, $6 stacks, $7 results; $8 the worker.
 * Why one was not settled, EXPLAIN_UNSETTLED tells. A job that was cancelled while it ran ends cancelled,
 * whatever its handler did. The fence is worker and token: a token alone could repeat if the server lost a claim in a crash.
 */
export const SETTLE_IF_OWNED = new Statement<ToldRow>(
  'settle',
  ({ jobs }) => `
  WITH run AS (${RUNS}), ${told(`${settle(jobs)}
     AND ${is('running')} AND job.claim_token = run.token AND job.locked_by = $8 AND ${IMPATIENT}`)}`,
);

/** The same, when somebody holds one of the rows: all others are settled. */
export const SETTLE_UNHELD = new Statement<ToldRow>(
  'settle_unheld',
  ({ jobs }) => `
  WITH run AS (${RUNS}), owned AS MATERIALIZED (${owned(jobs, '$8')}), ${told(`${settle(jobs)}
     AND job.claim_token = run.token AND job.id = ANY(ARRAY(SELECT id FROM owned))`)}`,
);

export interface UnsettledRow {
  id: string;
  /** Still ours: somebody held the row. */
  owned: boolean;
  /** How this very run was settled, when the answer of an earlier try was lost; else null. */
  settled_as: string | null;
}

/** $1 ids, $2 tokens, $3 worker: what became of runs that a settle passed over. */
export const EXPLAIN_UNSETTLED = new Statement<UnsettledRow>(
  'explain_unsettled',
  ({ jobs }) => `
  SELECT job.id, ${is('running')} AND job.claim_token = run.token AND job.locked_by = $3 AS owned,
         (SELECT entry ->> 'outcome' FROM jsonb_array_elements(${FULL_HISTORY}) AS entry
           WHERE entry ->> 'token' = run.token::text AND entry ->> 'worker' = $3
             AND entry ->> 'outcome' IN ('completed', 'failed', 'dead', 'cancelled') LIMIT 1) AS settled_as
    FROM ${jobs} AS job JOIN unnest($1::uuid[], $2::int[]) AS run(id, token) USING (id)`,
);
