import type { JobEvent, JobEventMap } from '../events/job-events.js';

const ON_JOB_EVENT = Symbol('kyu:on-job-event');

/** What the decorator wrote on a method; there may be several. */
export interface JobListenerMetadata {
  event: JobEvent;
  jobType: string | undefined;
}

/**
 * Calls a method of a provider or controller when something has happened to a job by the hands of this process: its enqueue, its run, its rescue. After it was
 * stored, for all queues of the application. What the method throws is logged, and harms neither the job nor other listeners.
 *
 * @param event what happened: a state that the job has reached (`'dead'`), or what was done with it (`'enqueued'`, `'claimed'`, `'released'`, `'rescued'`).
 * @param jobType only jobs of this type: its name, or what `defineJob()` made. @default all
 * @publicApi
 */
export const OnJobEvent =
  <E extends JobEvent>(
    event: E,
    jobType?: string | { readonly name: string },
  ) =>
  (
    _target: object,
    _name: string | symbol,
    { value }: { value?: (event: JobEventMap[E]) => unknown },
  ): void => {
    const method = value as object;
    const metadata: JobListenerMetadata[] = [
      ...readJobListeners(method),
      {
        event,
        jobType: typeof jobType === 'object' ? jobType.name : jobType,
      },
    ];
    Reflect.defineMetadata(ON_JOB_EVENT, metadata, method);
  };

export const readJobListeners = (
  method: object,
): readonly JobListenerMetadata[] =>
  (Reflect.getMetadata(ON_JOB_EVENT, method) as
    readonly JobListenerMetadata[] | undefined) ?? [];
