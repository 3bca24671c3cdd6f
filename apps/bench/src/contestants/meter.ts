import { setTimeout as sleep } from 'node:timers/promises';
import { monotonic, until } from '../harness/clock.js';
import type { Payload } from './contestant.js';

/** The handler of every contestant: it counts, and does nothing else. */
export class Meter {
  handled = 0;
  /** Jobs whose handler was called again. */
  duplicates = 0;
  /** Milliseconds from the call of enqueue() to the handler, of jobs that say when they were sent. */
  readonly delays: number[] = [];
  /** Milliseconds from the time that a job was scheduled for to its handler. */
  readonly lateness: number[] = [];
  private readonly seen: Uint8Array;

  constructor(
    capacity: number,
    /** How long the handler then waits; 0 for one that returns at once. */
    private readonly waitMs: number,
  ) {
    this.seen = new Uint8Array(capacity);
  }

  readonly handle = (job: Payload): Promise<void> | undefined => {
    if (job.sentAt !== undefined) this.delays.push(monotonic() - job.sentAt);
    if (job.dueAt !== undefined) this.lateness.push(Date.now() - job.dueAt);
    if (this.seen[job.n]) this.duplicates++;
    this.seen[job.n] = 1;
    this.handled++;
    return this.waitMs > 0 ? sleep(this.waitMs) : undefined;
  };

  /** Jobs a second, from when `warmUp` jobs were handled until `ms` have gone or `atMost` were handled. */
  async rate({ warmUp, ms, atMost }: RateWindow): Promise<number> {
    await until(`${warmUp} jobs`, () => this.handled >= warmUp);
    const from = { at: monotonic(), handled: this.handled };
    await until(
      `${atMost} jobs or ${ms} ms`,
      () => this.handled >= atMost || monotonic() - from.at >= ms,
    );
    return (this.handled - from.handled) / ((monotonic() - from.at) / 1000);
  }
}

export interface RateWindow {
  warmUp: number;
  ms: number;
  /** Before the queue runs dry. */
  atMost: number;
}
