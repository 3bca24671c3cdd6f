import type { EnqueueOptions, JobToEnqueue } from '@kyu/nestjs';
import type { EntityManager } from 'typeorm';

// What the public types are made of must not lead into @kyu/nestjs/testing-internals: whoever compiles a test would have to have all its types.

/** Whatever can be enqueued. */
export type JobType = JobToEnqueue['type'];

/** What may be enqueued as a job of this type. */
export type InputOf<Type extends JobType> = JobToEnqueue<Type>['payload'];

/**
 * How {@link drain} goes on.
 *
 * @publicApi
 */
export interface DrainOptions {
  /**
   * Also runs what is due later, retries among it, as if the time had come: the clock moves from one job to the next, and stays where it is then. A
   * date: up to that time. In mode `'real'` the jobs are made due instead, and a date is up to that time for them and, by how long the first of them had to
   * wait, for what they enqueue. @default false
   */
  withScheduled?: boolean | Date;
  /** Rejects with the first error of a handler, once all is done; the jobs are as they are in production all the same. @default false; in mode `'inline'`, what the module says */
  throwFailures?: boolean;
}

/**
 * How {@link perform} calls the handler: as if the job had been enqueued with these options.
 *
 * @publicApi
 */
export interface PerformOptions extends EnqueueOptions {
  /** What `context.attempt` says; 2 is the first retry. @default 1 */
  attempt?: number;
  /** For a `transactional` handler: the manager whose transaction it writes by. @default that of the module; in mode `'real'`, Kyu's own */
  manager?: EntityManager;
}
