import type { NewJob } from '../job/new-job.js';
import type { EnqueuedJob } from '../store/enqueued-job.js';

/** What an enqueue needs of the worker of its process, which is built on top of the queue. */
export abstract class IdleWorker {
  /** Stores the job as this worker's own, if it has nothing else to do and can run it: committed when this resolves. Undefined: it goes the usual way. */
  abstract enqueueClaimed(job: NewJob): Promise<EnqueuedJob> | undefined;
}
