/** What a job carries: JSON, about as much as a mail to send. */
export interface Payload {
  /** Its number among the jobs of this queue, so that a job that ran twice shows. */
  n: number;
  to: string;
  subject: string;
  /** Monotonic milliseconds just before the enqueue call, where that matters. */
  sentAt?: number;
  /** Wall-clock milliseconds that it was scheduled for. */
  dueAt?: number;
  urgent?: boolean;
}

export const payload = (n: number): Payload => ({
  n,
  to: `ada+${n}@example.com`,
  subject: 'Your order is on its way',
});

export interface JobOptions {
  /** `ordinary` among urgent ones; left out where a scenario knows no priorities, as peers have a faster way for that. */
  priority?: 'urgent' | 'ordinary';
  dueAt?: Date;
}

/** Returns nothing when there is nothing to wait for. */
export type Handler = (payload: Payload) => Promise<void> | void;

/** What the scenario is about: a peer may have another best configuration for each, and gets it. */
export type Tuning = 'throughput' | 'latency' | 'priority' | 'idle';

export interface ContestantSettings {
  postgresUrl: string;
  redisUrl: string;
  tuning: Tuning;
}

/** One job queue as its maintainers would have it used, in a process of its own. */
export interface Contestant {
  /** Makes the tables. Once for each database. */
  setUp(): Promise<void>;
  /** Before the first enqueue, in the process that enqueues. */
  openQueue(): Promise<void>;
  /** Resolves when the queue says that the job is stored. */
  enqueue(payload: Payload, options?: JobOptions): Promise<unknown>;
  enqueueMany(payloads: Payload[], options?: JobOptions): Promise<unknown>;
  /** Starts to work off the queue, at most `slots` jobs at once. */
  work(handler: Handler, slots: number): Promise<void>;
  /** What openQueue() and work() do, in a process that does both. */
  both(handler: Handler, slots: number): Promise<void>;
  /** Jobs that have not ended, by what is stored. */
  unfinished(): Promise<number>;
  /** Graceful: what runs ends, and its end is stored. */
  close(): Promise<void>;
}

export type CreateContestant = (settings: ContestantSettings) => Contestant;
