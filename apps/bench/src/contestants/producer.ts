import { setTimeout as sleep } from 'node:timers/promises';
import { monotonic } from '../harness/clock.js';
import {
  payload,
  type Contestant,
  type JobOptions,
  type Payload,
} from './contestant.js';

const FILL_BATCH = 1_000;
/** Filling is not measured; this is what two cores take. */
const FILLERS = 3;

export interface Enqueued {
  /** Acknowledged jobs a second, in the measured window. */
  rate: number;
  /** Acknowledged altogether. */
  acknowledged: number;
}

/** The side of a scenario that enqueues. */
export class Producer {
  constructor(
    private readonly contestant: Contestant,
    private next: number,
  ) {}

  /** So many jobs, as fast as it goes. */
  async fill(count: number, options?: JobOptions): Promise<void> {
    const end = this.next + count;
    await Promise.all(
      Array.from({ length: FILLERS }, async () => {
        while (this.next < end) {
          const size = Math.min(FILL_BATCH, end - this.next);
          await this.contestant.enqueueMany(this.take(size), options);
        }
      }),
    );
  }

  /** `callers` at once, each waiting for the acknowledgement of one job before it enqueues the next. */
  oneByOne(callers: number, window: Window): Promise<Enqueued> {
    return this.measure(callers, window, async () => {
      await this.contestant.enqueue(this.takeOne());
      return 1;
    });
  }

  /** One caller, `size` jobs in each call. */
  inBulk(size: number, window: Window): Promise<Enqueued> {
    return this.measure(1, window, async () => {
      await this.contestant.enqueueMany(this.take(size));
      return size;
    });
  }

  /** Single jobs with pauses, so that each finds an idle system; they say when they were sent. */
  async send(count: number, pauseMs: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      // Not a fixed beat: it could fall in step with somebody's timer.
      await sleep(pauseMs * (0.5 + Math.random()));
      await this.sendOne();
    }
  }

  async sendOne(options?: JobOptions): Promise<void> {
    const job = this.takeOne();
    await this.contestant.enqueue({ ...job, sentAt: monotonic() }, options);
  }

  /** Jobs that are due from `aheadMs` on, one every `everyMs`. */
  async schedule(
    count: number,
    aheadMs: number,
    everyMs: number,
  ): Promise<void> {
    const start = Date.now() + aheadMs;
    await Promise.all(
      Array.from({ length: count }, (_, i) => {
        const dueAt = start + i * everyMs;
        return this.contestant.enqueue(
          { ...this.takeOne(), dueAt },
          { dueAt: new Date(dueAt) },
        );
      }),
    );
  }

  private async measure(
    callers: number,
    { warmUpMs, ms }: Window,
    call: () => Promise<number>,
  ): Promise<Enqueued> {
    let acknowledged = 0;
    let stopping = false;
    const loops = Array.from({ length: callers }, async () => {
      while (!stopping) {
        const stored = await call();
        acknowledged += stored; // not in one: `+=` reads its left side before the await
      }
    });
    const failed = Promise.all(loops);
    await Promise.race([sleep(warmUpMs), failed]);
    const from = { at: monotonic(), acknowledged };
    await Promise.race([sleep(ms), failed]);
    const rate =
      (acknowledged - from.acknowledged) / ((monotonic() - from.at) / 1000);
    stopping = true;
    await failed;
    return { rate, acknowledged };
  }

  private takeOne(): Payload {
    return payload(this.next++);
  }

  private take(count: number): Payload[] {
    return Array.from({ length: count }, () => this.takeOne());
  }
}

export interface Window {
  warmUpMs: number;
  ms: number;
}
