import type { HeartbeatThread } from './heartbeat-thread.js';
import type { PooledHeartbeat } from './pooled-heartbeat.js';

type Beating = HeartbeatThread | PooledHeartbeat;

/**
 * Is responsible for a beat that goes on as long as this process does: from a thread, and from the main thread where there is no thread or it has ended. Without
 * a beat a worker claims nothing, so there must be one.
 */
export class RunningHeartbeat {
  private current: Beating;
  /** The longest silence that the thread left behind. */
  private pastMs = 0;
  private stopped = false;

  /**
   * @param startThread starts the thread and calls back when it has ended. It throws when there can be none.
   * @param startPooled starts the beat of the main thread.
   * @param onFallback called at most once, with the reason why the beat comes from the main thread.
   */
  constructor(
    private values: unknown[],
    silenceMs: number,
    startThread: (onLost: (reason: string) => void) => HeartbeatThread,
    private readonly startPooled: (
      values: unknown[],
      silenceMs: number,
    ) => PooledHeartbeat,
    private readonly onFallback: (reason: string) => void,
  ) {
    try {
      this.current = startThread((reason) => this.threadLost(reason));
    } catch (error) {
      this.current = startPooled(values, silenceMs);
      onFallback((error as Error).message);
    }
  }

  private threadLost(reason: string): void {
    if (this.stopped) return;
    const { silenceMs } = this.current;
    this.pastMs = this.current.takeLongestSilenceMs();
    this.current = this.startPooled(this.values, silenceMs);
    this.onFallback(reason);
  }

  /** The main thread's sign of life. */
  stillAlive(): void {
    this.current.stillAlive();
  }

  /** Milliseconds since the last beat that PostgreSQL stored was sent. */
  get silenceMs(): number {
    return this.current.silenceMs;
  }

  /** The longest time that PostgreSQL was without a new beat since the last call. */
  takeLongestSilenceMs(): number {
    const longestMs = Math.max(
      this.pastMs,
      this.current.takeLongestSilenceMs(),
    );
    this.pastMs = 0;
    return longestMs;
  }

  /** Beats at once with new values. */
  update(values: unknown[]): void {
    this.values = values;
    this.current.update(values);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.current.stop();
  }
}
