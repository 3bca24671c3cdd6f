/**
 * Jobs are claimed ahead for this much work and no more: long enough to hide a round trip to Redis and two to Postgres, too short to notice for a job of
 * high priority that comes meanwhile, or for another worker that is idle.
 */
const HORIZON_MS = 25;
/** Enough to be busy while the next claim is under way beside two settles: with 500 a worker waited for it. With more, it only owns more. */
const MAX_AHEAD = 1_000;
/** Weight of the newest run in the average: a change of the load is followed within some tens of jobs. */
const SMOOTHING = 0.05;

/**
 * How many jobs to claim beyond the free slots, from how long handlers take: hundreds for microseconds, none for seconds. Measured, so that there is
 * nothing to tune; none before the first run has ended.
 */
export class Prefetch {
  private averageMs: number | undefined;

  observe(handlerMs: number): void {
    this.averageMs =
      this.averageMs === undefined
        ? handlerMs
        : this.averageMs + SMOOTHING * (handlerMs - this.averageMs);
  }

  /** What was claimed ahead found no slot: what was measured is true no more. */
  forget(): void {
    this.averageMs = undefined;
  }

  /** For this many slots. */
  ahead(slots: number): number {
    if (this.averageMs === undefined) return 0;
    const turns = HORIZON_MS / Math.max(this.averageMs, 0.001);
    // The jobs that run now are the first turn.
    return Math.max(0, Math.min(MAX_AHEAD, Math.floor(slots * (turns - 1))));
  }
}
