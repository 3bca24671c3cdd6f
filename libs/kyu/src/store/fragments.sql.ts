import {
  appendRecord,
  fullHistory,
  runRecord,
} from '../job/attempt-record.sql.js';

/** What several statements say alike. */

/**
 * That a row is in a state, said so that no partial index can serve the question. Who has the id finds the row by its primary key; the planner, whose
 * statistics are always behind a queue, takes the index of the waiting or running rows for a shorter way, and reads all of them for each id.
 */
export const is = (state: 'pending' | 'running'): string =>
  `job.status || '' = '${state}'`;

/**
 * A time as milliseconds since 1970. The text of a time depends on settings of the session, a number
 * does not. Microseconds come first, because PostgreSQL counts in them: the float8 of the seconds may
 * be a trifle below a whole millisecond, and would lose it.
 */
export const epochMs = (time: string): string =>
  `floor(round(date_part('epoch', ${time}) * 1000000) / 1000)`;

/** How long the quick form of a claim or a settle waits for one row. Longer than the statements that hold one take, and much shorter than whom a batch keeps waiting notices. */
const PATIENCE_MS = 50;

/**
 * A condition, true for every row: the statement fails (55P03) when it has to wait for somebody's row. To lock each row first, and pass over those that
 * are held, costs a fifth more, in time and in WAL; so that is done only when somebody does hold one. It is asked once, before the first row is read.
 */
export const IMPATIENT = `(SELECT set_config('lock_timeout', '${PATIENCE_MS}ms', true)) IS NOT NULL`;

/** The history with the run that ends now. */
export const appendRun = (
  outcome: string,
  error?: string,
  stack?: string,
): string =>
  appendRecord(
    'job',
    runRecord({
      token: 'job.claim_token',
      worker: 'job.locked_by',
      from: 'job.locked_at',
      to: 'now()',
      outcome,
      error,
      stack,
    }),
  );

/** {@link fullHistory} of the row that a statement calls `job`. */
export const FULL_HISTORY = fullHistory('job');

/** The run that was under way when a worker was lost. */
export const appendCrash = (): string =>
  appendRun(
    `'crashed'`,
    `('The worker ' || job.locked_by || ' was lost while it ran this job.')`,
  );

/** The runs among $ids and $tokens that the worker still owns. Rows that somebody holds are passed over: one must not hold up all others. */
export const owned = (jobs: string, worker: string): string => `
    SELECT job.id FROM run JOIN ${jobs} AS job ON job.id = run.id
     WHERE ${is('running')} AND job.claim_token = run.token AND job.locked_by = ${worker}
       FOR UPDATE OF job SKIP LOCKED`;

/** A running job goes back to where it waits; one whose cancel was asked for meanwhile ends here. */
export const giveBack = (job: string, buried = 'false'): string => `
         status = CASE WHEN ${job}.cancel_requested_at IS NOT NULL THEN 'cancelled' WHEN ${buried} THEN 'dead' ELSE 'pending' END,
         completed_at = CASE WHEN ${job}.cancel_requested_at IS NOT NULL OR ${buried} THEN now() END`;
