/**
 * Keeps callers away from a server that does not answer. Closed: everything passes. After a failure it is open: nothing passes for a while, so that
 * nobody waits for the same silence again. Then the next call is the probe: its success closes the breaker, its failure doubles the while.
 */
export class CircuitBreaker {
  private failures = 0;
  private openUntil = 0;

  constructor(
    private readonly pause: { firstMs: number; lastMs: number },
    private readonly onChange: (open: boolean, cause?: Error) => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  get isOpen(): boolean {
    return this.now() < this.openUntil;
  }

  succeeded(): void {
    if (this.failures === 0) return;
    this.failures = 0;
    this.openUntil = 0;
    this.onChange(false);
  }

  failed(cause: Error): void {
    const { firstMs, lastMs } = this.pause;
    this.openUntil =
      this.now() + Math.min(firstMs * 2 ** Math.min(this.failures, 16), lastMs);
    if (this.failures++ === 0) this.onChange(true, cause);
  }
}
