import type { JobStatus } from '../job/job-transitions.js';
import type { KyuEvents } from './kyu-events.js';

/** What every job event says. */
export interface JobEventBase {
  id: string;
  jobType: string;
  /** The queue of the job: an application may have several. */
  queue: string;
}

/**
 * What happens to a job, by the verbs and states of the README, with what a listener is told.
 *
 * @publicApi
 */
export interface JobEventMap {
  /** It was stored; `status` says whether its time has come: `scheduled`, `pending`, or `running` when this process, idle, has claimed it at once. */
  enqueued: JobEventBase & { status: JobStatus };
  /** This process owns it. `waitedMs`: since it was due. */
  claimed: JobEventBase & { waitedMs: number };
  completed: JobEventBase & { durationMs: number };
  /** A run failed, and there will be another. */
  failed: JobEventBase & { durationMs: number; error: string };
  /** It failed for good, or has killed too many workers. */
  dead: JobEventBase & { error: string };
  /** It ended cancelled, while it waited or while it ran. */
  cancelled: JobEventBase;
  /** A graceful stop gave it back. */
  released: JobEventBase;
  /** It was taken back from a lost worker. */
  rescued: JobEventBase & { worker: string };
}

export type JobEvent = keyof JobEventMap;

type Tell<E extends JobEvent> = (event: JobEventMap[E]) => void;
type Subscribe<E extends JobEvent> = (
  events: KyuEvents,
  queue: string,
  tell: Tell<E>,
) => (() => void)[];

/** `KyuEvents` says what the machinery did; one state may be reached by several ways of it. */
const SUBSCRIBE: { [E in JobEvent]: Subscribe<E> } = {
  enqueued: (events, queue, tell) => [
    events.on('job.enqueued', (event) => tell({ ...event, queue })),
  ],
  claimed: (events, queue, tell) => [
    events.on('job.claimed', (event) => tell({ ...event, queue })),
  ],
  completed: (events, queue, tell) => [
    events.on('job.settled', ({ id, jobType, status, durationMs }) => {
      if (status === 'completed') tell({ id, jobType, queue, durationMs });
    }),
  ],
  failed: (events, queue, tell) => [
    events.on('job.settled', ({ id, jobType, status, durationMs, error }) => {
      if (status === 'failed')
        tell({ id, jobType, queue, durationMs, error: error ?? '' });
    }),
  ],
  dead: (events, queue, tell) => [
    events.on('job.settled', ({ id, jobType, status, error }) => {
      if (status === 'dead') tell({ id, jobType, queue, error: error ?? '' });
    }),
    events.on('job.rescued', ({ id, jobType, status, worker }) => {
      if (status === 'dead')
        tell({
          id,
          jobType,
          queue,
          error: `The worker ${worker} was lost while it ran this job.`,
        });
    }),
  ],
  cancelled: (events, queue, tell) => [
    events.on('job.cancelled', (event) => tell({ ...event, queue })),
    events.on('job.settled', ({ id, jobType, status }) => {
      if (status === 'cancelled') tell({ id, jobType, queue });
    }),
    events.on('job.rescued', ({ id, jobType, status }) => {
      if (status === 'cancelled') tell({ id, jobType, queue });
    }),
  ],
  released: (events, queue, tell) => [
    events.on('job.released', (event) => tell({ ...event, queue })),
  ],
  rescued: (events, queue, tell) => [
    events.on('job.rescued', ({ id, jobType, worker }) =>
      tell({ id, jobType, queue, worker }),
    ),
  ],
};

export const JOB_EVENTS = Object.keys(SUBSCRIBE) as readonly JobEvent[];

/** Tells of each such event of a queue until the returned function is called. */
export function onJobEvent<E extends JobEvent>(
  events: KyuEvents,
  queue: string,
  event: E,
  tell: Tell<E>,
): () => void {
  const subscriptions = SUBSCRIBE[event](events, queue, tell);
  return () => {
    for (const stop of subscriptions) stop();
  };
}
