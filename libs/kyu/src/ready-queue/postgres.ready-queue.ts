import {
  LOOK_IN_POSTGRES,
  ReadyQueue,
  type Popped,
  type ReadyJob,
} from './ready-queue.js';

/** A job that another process enqueued waits this long at most. Shorter means more idle statements on Postgres. */
const POLL_MS = 1_000;

/**
 * Is responsible for the order when there is no Redis: it holds nothing, for the waiting index of the jobs table is the queue. It only knows
 * when to look: at once when this process staged something, else at each poll.
 */
export class PostgresReadyQueue extends ReadyQueue {
  readonly window = 0;
  readonly room = 0;
  private staged = false;
  private readonly sleepers = new Set<() => void>();

  async open(): Promise<void> {
    // nothing to connect to
  }

  async stage(_jobs: readonly ReadyJob[]): Promise<void> {
    this.staged = true;
    this.wake();
  }

  async refill(): Promise<boolean> {
    return false;
  }

  async pop(
    _count: number,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<Popped> {
    if (!this.staged && waitMs > 0 && !signal?.aborted)
      await this.sleep(Math.min(waitMs, POLL_MS), signal);
    this.staged = false;
    return LOOK_IN_POSTGRES;
  }

  async close(): Promise<void> {
    this.wake();
  }

  private wake(): void {
    for (const sleeper of this.sleepers) sleeper();
  }

  private sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.sleepers.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.sleepers.add(wake);
      signal?.addEventListener('abort', wake);
    });
  }
}
