/**
 * The heartbeat of a data source whose connection cannot be handed to a thread (its password is a function): from the main thread, through the
 * pool. An event loop that is blocked for longer than `heartbeatTimeout` then costs the process its jobs.
 */
export class PooledHeartbeat {
  readonly lost = false;
  private beatAt: number;
  private longestMs = 0;
  private timer: NodeJS.Timeout | undefined;
  private stopping = false;

  constructor(
    private readonly beat: (values: unknown[]) => Promise<unknown>,
    private values: unknown[],
    silenceMs: number,
    private readonly intervalMs: number,
    private readonly onFailure: (message: string) => void,
  ) {
    this.beatAt = performance.now() - silenceMs;
    this.next();
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
    void this.run();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.timer);
  }

  private next(): void {
    if (this.stopping) return;
    this.timer = setTimeout(() => void this.run(), this.intervalMs);
    this.timer.unref();
  }

  private async run(): Promise<void> {
    const sentAt = performance.now();
    try {
      await this.beat(this.values);
      this.longestMs = Math.max(
        this.longestMs,
        performance.now() - this.beatAt,
      );
      this.beatAt = sentAt;
    } catch (error) {
      this.onFailure((error as Error).message);
    }
    this.next();
  }
}
