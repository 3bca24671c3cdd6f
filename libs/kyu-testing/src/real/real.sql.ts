import { Statement } from '@kyu/nestjs/testing-internals';

/** $1 queue: the ids of all its jobs, the oldest first. */
export const ALL_JOBS = new Statement<{ id: string }>(
  'testing_all',
  ({ jobs }) => `SELECT id FROM ${jobs} WHERE queue = $1 ORDER BY id`,
);

/** $1 queue, $2 the types that can be run: how many of each are due or run. */
export const COUNT_UNFINISHED = new Statement<{
  status: string;
  job_type: string;
  jobs: number;
}>(
  'testing_unfinished',
  ({ jobs }) => `
  SELECT status, job_type, count(*) AS jobs FROM ${jobs}
   WHERE queue = $1 AND job_type = ANY($2::text[])
     AND (status IN ('pending', 'running') OR status IN ('scheduled', 'failed') AND scheduled_at <= now())
   GROUP BY status, job_type ORDER BY status, job_type`,
);

/** $1 queue, $2 the types that can be run, $3 the last time or null: what is due later is due now, and so is what came due just now. How long it would have waited. */
export const MAKE_DUE = new Statement<{ wait_ms: number }>(
  'testing_make_due',
  ({ jobs }) => `
  WITH later AS (
    SELECT id, scheduled_at FROM ${jobs}
     WHERE queue = $1 AND job_type = ANY($2::text[]) AND status IN ('scheduled', 'failed')
       AND ($3::timestamptz IS NULL OR scheduled_at <= $3) FOR UPDATE
  )
  UPDATE ${jobs} AS job SET scheduled_at = now(), updated_at = now() FROM later WHERE job.id = later.id
  RETURNING date_part('epoch', later.scheduled_at - now()) * 1000 AS wait_ms`,
);
