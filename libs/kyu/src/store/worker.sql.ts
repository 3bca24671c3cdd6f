import { Statement } from './statement.js';

/** The statements of {@link WorkerStore}. */

/**
 * heartbeat: $1 id, $2 queue, $3 host, $4 pid, $5 slots, $6 types. The first one registers the worker; so does one that
 * comes after the worker had been removed as lost (its jobs are gone by then: their tokens no longer match).
 */
export const HEARTBEAT = new Statement<never>(
  'heartbeat',
  ({ workers }) => `
  INSERT INTO ${workers} (id, queue, host, pid, slots, job_types) VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (id) DO UPDATE SET heartbeat_at = now(), slots = excluded.slots, job_types = excluded.job_types`,
);

/** $1 id. At a graceful stop, when nothing of it runs any more. */
export const REMOVE_WORKER = new Statement<never>(
  'remove_worker',
  ({ workers }) => `DELETE FROM ${workers} WHERE id = $1`,
);

/** $1 queue, $2 ms of silence. Lost workers whose jobs have all been taken back: nobody needs the row to judge a job by. */
export const REMOVE_LOST_WORKERS = new Statement<{ id: string }>(
  'remove_lost_workers',
  ({ jobs, workers }) => `
  DELETE FROM ${workers} AS worker
   WHERE queue = $1 AND heartbeat_at < now() - $2 * interval '1 millisecond'
     AND NOT EXISTS (SELECT 1 FROM ${jobs} WHERE locked_by = worker.id AND status = 'running')
  RETURNING id`,
);
