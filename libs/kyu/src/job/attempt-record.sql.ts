import { MAX_HISTORY } from './attempt-record.js';

/** How SQL writes and reads the history of a job. Without `::`, which TypeORM takes for a parameter in what it asks of an entity. */

/**
 * An {@link AttemptRecord}, each part an SQL expression. As text: `jsonb_build_object` looks up the type of each value for each row, which was a quarter of
 * a settle. The difference of two numbers, as that of two times may be out of range.
 * The time is UTC, whatever time zone the session has. Its colons are quoted, as TypeORM takes `:MI`
 * for a parameter.
 */
export const runRecord = (run: {
  token: string;
  worker: string;
  from: string;
  to: string;
  outcome: string;
  error?: string;
  stack?: string;
}): string => `
    '{"token":' || ${run.token} || ',"worker":' || to_json(${run.worker}) || ',"startedAt":"' || to_char(${run.from} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24":"MI":"SS.US"Z"') || '"'
      || ',"durationMs":' || round((date_part('epoch', ${run.to}) - date_part('epoch', ${run.from})) * 10000) / 10 || ',"outcome":"' || ${run.outcome} || '"'
      || coalesce(',"error":' || to_json(${run.error ?? 'CAST(NULL AS text)'}), '') || coalesce(',"stack":' || to_json(${run.stack ?? 'CAST(NULL AS text)'}), '') || '}'`;

/** The history of the row `job` with one run more; the oldest goes when there are too many. */
export const appendRecord = (job: string, record: string): string => `
  CASE WHEN jsonb_array_length(${job}.history) >= ${MAX_HISTORY} THEN ${job}.history - 0 ELSE ${job}.history END || CAST(${record} AS jsonb)`;

/**
 * The history of the row `job` with the run that completed it. That run is not in the column: where it ran and when is in columns of its own, as to put it
 * in JSON, for each job that does what it should, was a third of a settle. Who sets a completed job back by hand takes away the time of its end: then the last
 * change of the row has to do for it.
 */
export const fullHistory = (job: string): string => `
  CASE WHEN ${job}.ran_by IS NULL THEN ${job}.history ELSE ${appendRecord(
    job,
    runRecord({
      token: `${job}.claim_token`,
      worker: `${job}.ran_by`,
      from: `${job}.ran_at`,
      to: `coalesce(${job}.completed_at, ${job}.updated_at)`,
      outcome: `'completed'`,
    }),
  )} END`;
