import { UuidV7Sequence } from './uuid-v7.js';

/** How far two clocks may run apart in a second, in ms: more than any quartz does. An estimate gets worse by as much. */
const DRIFT_MS_PER_S = 0.1;
/** `Date.now()` and the server's answer are cut to whole milliseconds. */
const ROUNDING_MS = 1;
/** An id's time runs ahead of a clock that was set back by at most this; beyond it, ids follow the clock. */
const MAX_AHEAD_MS = 1_000;
/** Clocks that are kept by NTP differ by milliseconds. */
const SKEW_TO_TELL_MS = 1_000;

interface Estimate {
  /** What to add to `Date.now()`. */
  offsetMs: number;
  /** The offset was at most this far from the truth when it was measured. */
  errorMs: number;
  /** `performance.now()` of that moment. */
  at: number;
}

/**
 * Is responsible for the database's time in this process, and for the ids that are made of it. Ids decide the order of jobs
 * and the age at which they are removed, so the clocks of the machines that enqueue must not: each answer that carries the
 * server's time is compared with the middle of its round trip, and the best comparison counts. No statement is sent for that.
 */
export class DatabaseClock {
  private estimate: Estimate | undefined;
  private ids = new UuidV7Sequence();
  private skewListener: ((skewMs: number) => void) | undefined;
  private skewIsTold = false;

  /** The one clock of a data source, whatever number of registrations share it. */
  static of(dataSource: object): DatabaseClock {
    let clock = clocks.get(dataSource);
    if (!clock) clocks.set(dataSource, (clock = new DatabaseClock()));
    return clock;
  }

  /** Milliseconds since 1970. Before the first answer, and without a server, that of this process. */
  now(): number {
    return Math.round(Date.now() + (this.estimate?.offsetMs ?? 0));
  }

  /** A UUIDv7 of the database's time; each sorts behind the one before, unless a clock was set back by more than a second. */
  newId(): string {
    const now = this.now();
    // A clock was set back. Ids that wait for it to catch up would stay ahead of those of other processes for as long.
    if (this.ids.lastMs > now + MAX_AHEAD_MS) this.ids = new UuidV7Sequence();
    return this.ids.next(now);
  }

  /**
   * Learns from an answer.
   *
   * @param serverMs the server's time while it worked on the statement, in ms since 1970.
   * @param sentAt `performance.now()` from before the statement was sent.
   */
  observe(serverMs: number | null | undefined, sentAt: number): void {
    if (typeof serverMs !== 'number' || !Number.isFinite(serverMs)) return;
    const at = performance.now();
    const halfMs = (at - sentAt) / 2;
    const seen: Estimate = {
      offsetMs: serverMs - (Date.now() - halfMs),
      errorMs: halfMs + ROUNDING_MS,
      at,
    };
    const known = this.estimate;
    if (known && !isBetter(seen, known)) return;
    this.estimate = seen;
    this.tellSkew();
  }

  /** Calls `listener` once when the clock of this process is more than a second off; `skewMs` is above 0 when it is ahead. */
  onSkew(listener: (skewMs: number) => void): void {
    this.skewListener = listener;
    this.tellSkew();
  }

  private tellSkew(): void {
    const { estimate, skewListener } = this;
    if (!estimate || !skewListener || this.skewIsTold) return;
    const { offsetMs, errorMs } = estimate;
    if (Math.abs(offsetMs) - errorMs < SKEW_TO_TELL_MS) return;
    this.skewIsTold = true;
    skewListener(-offsetMs);
  }
}

const clocks = new WeakMap<object, DatabaseClock>();

/** As precise as what is left of the old one; or so far from it that a clock must have been set. */
function isBetter(seen: Estimate, known: Estimate): boolean {
  const ageS = (seen.at - known.at) / 1_000;
  const knownErrorMs = known.errorMs + ageS * DRIFT_MS_PER_S;
  return (
    seen.errorMs <= knownErrorMs ||
    Math.abs(seen.offsetMs - known.offsetMs) > seen.errorMs + knownErrorMs
  );
}
