import type { JobEvent, JobEventMap } from '../events/job-events.js';
import { decorateMethod, entriesOf } from '../handlers/decorated-methods.js';
import { showValue } from '../runtime/show-value.js';

// `Symbol.for`: a class may be decorated by another copy of this package.
const ON_JOB_EVENT = Symbol.for('kyu:on-job-event');

/** What the decorator wrote on a method; there may be several. */
export interface JobListenerMetadata {
  event: JobEvent;
  jobType: string | undefined;
  /** Whether the decorator got a type, even one that is undefined. */
  isTyped: boolean;
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
    ...types: [jobType?: string | { readonly name: string }]
  ) =>
  (
    target: object,
    name: string | symbol,
    descriptor: { value?: (event: JobEventMap[E]) => unknown },
  ): void => {
    const [jobType] = types;
    const metadata: JobListenerMetadata = {
      event,
      jobType: typeof jobType === 'object' ? jobType.name : jobType,
      isTyped: types.length > 0,
    };
    decorateMethod(ON_JOB_EVENT, metadata, `@OnJobEvent(${showValue(event)})`, [
      target,
      name,
      descriptor,
    ]);
  };

export const readJobListeners = (
  method: object,
): readonly JobListenerMetadata[] => entriesOf(ON_JOB_EVENT, method);
