/** One of {@link LateTimers}. */
export interface LateTimer {
  cancel(): void;
}

class Waiting implements LateTimer {
  private timer: NodeJS.Timeout | undefined;
  private cancelled = false;
  private readonly setAt = performance.now();

  constructor(
    private readonly ms: number,
    private readonly ring: () => void,
  ) {}

  arm(now: number): void {
    if (this.cancelled) return;
    this.timer = setTimeout(
      this.ring,
      Math.max(0, this.ms - (now - this.setAt)),
    );
  }

  cancel(): void {
    this.cancelled = true;
    clearTimeout(this.timer);
  }
}

/**
 * Timers for work that is mostly done within the turn of the event loop in which it begins: one becomes a timer of Node's only if it is
 * still wanted at the end of that turn. So a handler that only counts costs no timer, and one that waits has an exact one.
 */
export class LateTimers {
  private fresh: Waiting[] = [];

  /** @param ms from now; at most 2^31 - 1. */
  set(ms: number, ring: () => void): LateTimer {
    const timer = new Waiting(ms, ring);
    if (this.fresh.push(timer) === 1) setImmediate(() => this.arm());
    return timer;
  }

  private arm(): void {
    const { fresh } = this;
    this.fresh = [];
    const now = performance.now();
    for (const timer of fresh) timer.arm(now);
  }
}
