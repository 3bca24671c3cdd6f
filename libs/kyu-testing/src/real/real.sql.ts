import { Statement } from '@kyu/nestjs/testing-internals';

/** $1 queue: the ids of all its jobs, the oldest first. */
export const ALL_JOBS = new Statement<{ id: string }>(
  'testing_all',
  ({ jobs }) => `SELECT id FROM ${jobs} WHERE queue = $1 ORDER BY id`,
);

/** $1 queue, $2 the types that can be run: how many are due or run. */
export const COUNT_UNFINISHED = new Statement<{ unfinished: number }>(
  'testing_unfinished',
  ({ jobs }) => `
  SELECT count(*) AS unfinished FROM ${jobs}
   WHERE queue = $1 AND job_type = ANY($2::text[])
     AND (status IN ('pending', 'running') OR status IN ('scheduled', 'failed') AND scheduled_at <= now())`,
);

/** $1 queue, $2 the types that can be run, $3 the last time or null: what is due later is due now. */
export const MAKE_DUE = new Statement<{ id: string }>(
  'testing_make_due',
  ({ jobs }) => `
  UPDATE ${jobs} SET scheduled_at = now(), updated_at = now()
   WHERE queue = $1 AND job_type = ANY($2::text[]) AND status IN ('scheduled', 'failed')
     AND scheduled_at > now() AND ($3::timestamptz IS NULL OR scheduled_at <= $3)
  RETURNING id`,
);
