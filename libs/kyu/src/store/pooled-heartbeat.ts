/** Between tries while a beat fails. */
const RETRY_MS = 1_000;

/**
 * The heartbeat of the main thread, through the pool: where no thread can be started, and where the connection cannot be handed to one (its password is a
 * function). An event loop that is blocked for longer than `heartbeatTimeout` then costs the process its jobs.
 */
export class PooledHeartbeat {
  private beatAt: number;
  private longestMs = 0;
  private timer: NodeJS.Timeout | undefined;
  private beating: Promise<void> | undefined;
  private again = false;
  private stopping = false;

  /** @param silenceMs since the last beat that Postgres stored was sent. The first one is due at once when that is longer than the interval. */
  constructor(
    private readonly beat: (values: unknown[]) => Promise<unknown>,
    private values: unknown[],
    silenceMs: number,
    private readonly intervalMs: number,
    private readonly onFailure: (message: string) => void,
  ) {
    this.beatAt = performance.now() - silenceMs;
    this.next(Math.max(0, intervalMs - silenceMs));
  }

  get silenceMs(): number {
    return performance.now() - this.beatAt;
  }

  takeLongestSilenceMs(): number {
    const longest = Math.max(this.longestMs, this.silenceMs);
    this.longestMs = 0;
    return longest;
  }

  stillAlive(): void {
    // the timer is on this thread: that it fires is the sign of life
  }

  update(values: unknown[]): void {
    this.values = values;
    clearTimeout(this.timer);
    if (this.beating)
      this.again = true; // it went out with the old ones
    else this.run();
  }

  /** Waits for a beat under way: one that came after the worker was removed from the registry would put it there again. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.timer);
    await this.beating;
  }

  private next(delayMs: number): void {
    if (this.stopping) return;
    this.timer = setTimeout(() => this.run(), delayMs);
    this.timer.unref();
  }

  private run(): void {
    this.beating = this.tryToBeat().then((delayMs) => {
      this.beating = undefined;
      this.next(this.again ? 0 : delayMs);
      this.again = false;
    });
  }

  /** When the next beat is due. */
  private async tryToBeat(): Promise<number> {
    const sentAt = performance.now();
    try {
      await this.beat(this.values);
    } catch (error) {
      this.onFailure((error as Error).message);
      return Math.min(RETRY_MS, this.intervalMs) * (0.5 + Math.random() / 2); // not all workers at once
    }
    this.longestMs = Math.max(this.longestMs, this.silenceMs);
    this.beatAt = sentAt;
    return this.intervalMs;
  }
}
