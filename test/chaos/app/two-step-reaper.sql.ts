import { Statement } from '../../../libs/kyu/src/store/statement.js';

/** The first step of the reaper that looks, waits and acts: $1 queue, $2 ms of silence, $3 ms of overrun. */
export const SELECT_STALE = new Statement<{ id: string }>(
  'mutant_select_stale',
  ({ jobs, workers }) => `
  SELECT id FROM ${jobs} AS job
   WHERE queue = $1 AND status = 'running'
     AND (NOT EXISTS (SELECT 1 FROM ${workers} AS worker WHERE worker.id = job.locked_by
                         AND worker.heartbeat_at > now() - $2 * interval '1 millisecond')
          OR locked_at < now() - (timeout_ms + $3::float8) * interval '1 millisecond')`,
);

/** Its second step: whatever the job is by now. $1 ids. */
export const TAKE_BACK = new Statement<never>(
  'mutant_take_back',
  ({ jobs }) => `
  UPDATE ${jobs} SET status = 'pending', completed_at = NULL, crash_count = crash_count + 1,
         locked_by = NULL, locked_at = NULL, started_at = NULL, updated_at = now()
   WHERE id = ANY($1::uuid[])`,
);
