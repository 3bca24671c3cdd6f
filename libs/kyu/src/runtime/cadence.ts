import type { KyuLog } from './kyu-log.js';

/**
 * What every agent does with its ticks. Nest's `@Interval` cannot read options, begins before anything is ready and does not wait
 * for its previous run; so agents tick often, and this decides: not before it is started, not twice at once, not sooner than
 * the period. A run that fails is logged and is tried again at the next period.
 */
export class Cadence<T> {
  private started = false;
  private nextAt = 0;
  private running: Promise<T> | undefined;
  private again = false;

  constructor(
    private readonly name: string,
    private readonly periodMs: number,
    private readonly work: () => Promise<T>,
    private readonly logger: KyuLog,
  ) {}

  /** Ticks count from now on; the first run comes after one period. */
  start(): void {
    this.started = true;
    this.nextAt = performance.now() + this.periodMs;
  }

  tick(): void {
    if (performance.now() >= this.nextAt) this.runUnlessRunning();
  }

  /**
   * Runs without being waited for: now, or once more after the run under way, which may have looked before the reason
   * for this call. Does nothing before start() and after stop().
   */
  runSoon(): void {
    if (!this.started) return;
    if (this.running) {
      this.again = true;
      return;
    }
    this.runNow().catch((error: unknown) =>
      this.logger.failed(
        'warn',
        this.name.toLowerCase(),
        error,
        () => `${this.name} failed, trying again`,
      ),
    );
  }

  /** As runSoon(), where the run under way is as good as a new one. */
  runUnlessRunning(): void {
    if (!this.running) this.runSoon();
  }

  /** Runs now, or joins the run under way. */
  runNow(): Promise<T> {
    this.nextAt = performance.now() + this.periodMs;
    const work = async (): Promise<T> => this.work(); // a synchronous throw is a rejection
    this.running ??= work().finally(() => {
      this.running = undefined;
      if (!this.again) return;
      this.again = false;
      this.runSoon();
    });
    return this.running;
  }

  /** No further run begins; resolves when none is under way. */
  async stop(): Promise<void> {
    this.started = false;
    await this.running?.catch(() => undefined);
  }
}
