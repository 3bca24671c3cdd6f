import type { JobsOptions, JobType } from 'bullmq';
import type { JobOptions } from '../contestants/contestant.js';

export const UNFINISHED_STATES: JobType[] = [
  'wait',
  'active',
  'delayed',
  'prioritized',
];

/** Finished jobs go at once: less to do than Kyu, which keeps them and their history. Lower numbers are more urgent, and none at all is the fastest. */
export const toBullOptions = ({
  priority,
  dueAt,
}: JobOptions = {}): JobsOptions => ({
  removeOnComplete: true,
  removeOnFail: true,
  ...(priority && { priority: priority === 'urgent' ? 1 : 10 }),
  ...(dueAt && { delay: Math.max(0, dueAt.getTime() - Date.now()) }),
});
