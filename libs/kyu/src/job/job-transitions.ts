/**
 * Every state a job can be in.
 *
 * @publicApi
 */
export const JOB_STATUSES = [
  'scheduled',
  'pending',
  'running',
  'completed',
  'failed',
  'dead',
  'cancelled',
] as const;

/**
 * - `scheduled`: its time has not come.
 * - `pending`: waiting for a worker.
 * - `running`: one worker owns it.
 * - `completed`: its handler returned.
 * - `failed`: its handler threw; it waits for its retry.
 * - `dead`: it failed and has no retries left.
 * - `cancelled`: `cancelJob()` came before it ran, or while it ran.
 *
 * @publicApi
 */
export type JobStatus = (typeof JOB_STATUSES)[number];

/**
 * The only moves there are. A guarded `UPDATE` makes each of them (named here), so one that is not in this table cannot happen.
 * The state chart of the README is compared with it by a test.
 */
export const JOB_TRANSITIONS: Readonly<
  Record<JobStatus, readonly JobStatus[]>
> = {
  scheduled: ['pending', 'cancelled'], // promote, cancel
  pending: ['running', 'cancelled'], // claim, cancel
  running: ['completed', 'failed', 'dead', 'pending', 'cancelled'], // settle; release and rescue give it back
  failed: ['pending', 'cancelled'], // promote, cancel
  completed: [],
  dead: [],
  cancelled: [],
};
