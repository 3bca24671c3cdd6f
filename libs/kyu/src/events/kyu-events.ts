import { Logger } from '@nestjs/common';
import type { JobStatus } from '../job/job-transitions.js';
import { messageOf } from '../runtime/describe-error.js';
import { KyuLog } from '../runtime/kyu-log.js';

/** Every event, with what it carries. Emitted after the change is committed, never before. */
export interface KyuEventMap {
  /** Jobs were stored. */
  'job.enqueued': { id: string; jobType: string; status: JobStatus };
  /** A worker owns a job. `waitedMs`: since it was due. */
  'job.claimed': { id: string; jobType: string; waitedMs: number };
  /** A run has ended and its outcome is stored. */
  'job.settled': {
    id: string;
    jobType: string;
    /** `cancelled`: its cancel was asked for while it ran. */
    status: 'completed' | 'failed' | 'dead' | 'cancelled';
    durationMs: number;
    /** Of a run that failed. */
    error?: string;
    /** Of a run that is not completed: which one it was, 1 for the first. */
    attempt?: number;
    /** Of a run that is not completed: how many retries its job has. */
    maxRetries?: number;
    /** Milliseconds to the next run, if there will be one. */
    retryInMs?: number;
  };
  /** A job ended cancelled while it waited, or when it was given back unfinished. */
  'job.cancelled': { id: string; jobType: string };
  /** A running job should stop; its end follows. */
  'job.cancelRequested': { id: string; jobType: string };
  /** A graceful stop gave back a job that had not finished. */
  'job.released': { id: string; jobType: string };
  /** A job was taken back from a lost worker: `pending`, or `dead` if it was one time too many. */
  'job.rescued': {
    id: string;
    jobType: string;
    status: 'pending' | 'dead' | 'cancelled';
    worker: string;
  };
  /** The outcome of a run came after the job had been taken back, and was refused. */
  'lease.lost': { id: string; jobType: string; token: number };
  /** This process could not say that it lives for too long: its runs were aborted before others may take them. */
  'worker.fenced': { runs: number };
  /** Old finished jobs were deleted. */
  'jobs.pruned': { count: number };
  /** Due jobs became pending. */
  'jobs.promoted': { count: number };
  /** Ids were put into the ready queue from Postgres's order. */
  'jobs.refilled': { count: number };
  /** Ids could not be put into the ready queue; the next refill will. */
  'stage.failed': { count: number };
  /** A waiting job was popped that no handler of this process can run. */
  'job.unhandled': { id: string; jobType: string };
}

export type KyuEvent = keyof KyuEventMap;
type Listener<E extends KyuEvent> = (event: KyuEventMap[E]) => unknown;

/**
 * What happens in this process, for metrics, logs, traces and tests. A listener that throws or rejects is logged and harms nobody.
 *
 * @publicApi
 */
export class KyuEvents {
  private readonly listeners = new Map<KyuEvent, Set<Listener<never>>>();

  constructor(
    private readonly logger: KyuLog = new KyuLog(new Logger('Kyu')),
  ) {}

  /** Calls `listener` at each event until the returned function is called. */
  on<E extends KyuEvent>(event: E, listener: Listener<E>): () => void {
    let set = this.listeners.get(event);
    if (!set) this.listeners.set(event, (set = new Set()));
    set.add(listener as Listener<never>);
    return () => set.delete(listener as Listener<never>);
  }

  emit<E extends KyuEvent>(event: E, data: KyuEventMap[E]): void {
    const set = this.listeners.get(event) as Set<Listener<E>> | undefined;
    if (!set) return;
    for (const listener of set) {
      try {
        const result = listener(data);
        if (typeof (result as PromiseLike<unknown> | null)?.then === 'function')
          Promise.resolve(result).catch((error: unknown) =>
            this.complain(event, error),
          );
      } catch (error) {
        this.complain(event, error);
      }
    }
  }

  private complain(event: KyuEvent, error: unknown): void {
    this.logger.limited(
      'error',
      `listeners of "${event}"`,
      'errors',
      () => `A listener of "${event}" threw: ${messageOf(error)}`,
    );
  }
}
