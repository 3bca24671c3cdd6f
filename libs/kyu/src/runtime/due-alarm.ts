/** Node's timers overflow above 2^31 - 1 ms and would fire at once. */
const MAX_TIMER_MS = 2_147_483_647;

/**
 * Is responsible for knowing when the next scheduled or retried job comes due, as far as this process knows, and for
 * ringing at that moment. So a job starts when it is due and not at the scheduler's next poll.
 */
export class DueAlarm {
  private timer: NodeJS.Timeout | undefined;
  private ringsAt = Number.POSITIVE_INFINITY;
  private ring: (() => void) | undefined;

  /** Who is woken. There is one listener: the scheduler. */
  onRing(listener: (() => void) | undefined): void {
    this.ring = listener;
    if (!listener) this.disarm();
  }

  /** A job comes due in `delayMs` (by the database clock; a duration, so that skewed clocks do not matter). */
  noteDueIn(delayMs: number): void {
    if (!this.ring) return;
    const at = performance.now() + Math.max(0, delayMs);
    if (at >= this.ringsAt) return;
    this.disarm();
    this.ringsAt = at;
    // A timer may fire up to 1 ms early; a claim before its time is refused, so ring just after.
    this.timer = setTimeout(
      () => {
        this.disarm();
        this.ring?.();
      },
      Math.min(Math.ceil(at - performance.now()) + 1, MAX_TIMER_MS),
    );
    this.timer.unref();
  }

  private disarm(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.ringsAt = Number.POSITIVE_INFINITY;
  }
}
