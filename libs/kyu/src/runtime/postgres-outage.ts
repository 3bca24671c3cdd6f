import { isOutage, takesNone } from './is-outage.js';
import type { KyuLog } from './kyu-log.js';

/** A server whose statements succeed again, and none has failed for this long, is back. */
const CALM_MS = 1_000;
/** As long as a statement that only writes may take to be tried again: meanwhile others succeed. */
const CALM_OF_WRITES_MS = 5_000;
/**
 * A server that goes again within a minute is not back before it was calm for longer: two lines for
 * each such change would be a flood.
 */
const AGAIN_MS = 60_000;
const CALM_OF_FLAPPING_MS = 30_000;
/** So many kinds of statements are told by name. */
const MAX_KINDS = 6;

interface Outage {
  since: number;
  lastFailure: number;
  calmMs: number;
  failed: Map<string, number>;
  stoppedRuns: number;
}

/**
 * Is responsible for the two lines of an outage of PostgreSQL: one when the first statement fails,
 * one when statements succeed again.
 */
export class PostgresOutage {
  private outage: Outage | undefined;
  private lastEnd = Number.NEGATIVE_INFINITY;

  /** @param where the server is: `host:port/database` */
  constructor(
    private readonly where: string,
    private readonly log: Pick<KyuLog, 'log' | 'error'>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  get isOpen(): boolean {
    return this.outage !== undefined;
  }

  /**
   * Notes what a statement failed with, if that is an outage.
   *
   * @param statement its verb
   * @param cause what was wrong, in the words of the driver
   */
  failed(statement: string, error: unknown, cause: string): void {
    if (!isOutage(error)) return;
    const now = this.now();
    this.outage ??= this.begin(now, cause);
    const { outage } = this;
    const kind = statement.replace(/_unheld$/, '').replaceAll('_', ' ');
    outage.failed.set(kind, (outage.failed.get(kind) ?? 0) + 1);
    outage.lastFailure = now;
    if (takesNone(error))
      outage.calmMs = Math.max(outage.calmMs, CALM_OF_WRITES_MS);
  }

  /** A statement succeeded. Called only while {@link isOpen}. */
  succeeded(): void {
    const { outage } = this;
    const now = this.now();
    if (!outage || now - outage.lastFailure < outage.calmMs) return;
    this.outage = undefined;
    this.lastEnd = now;
    this.log.log(
      `PostgreSQL at ${this.where} is back, ${seconds(now - outage.since)} after the first failure. ` +
        `Failed meanwhile: ${describeCounts(outage.failed)}.${describeStopped(outage.stoppedRuns)}`,
    );
  }

  /** Running jobs were told to stop, as no heartbeat could be stored. */
  runsStopped(runs: number): void {
    if (this.outage) this.outage.stoppedRuns += runs;
  }

  private begin(now: number, cause: string): Outage {
    this.log.error(
      `PostgreSQL at ${this.where} cannot be used: ${cause}. Enqueues fail and no job is claimed until it can; running jobs go on, and Kyu tries again by itself.`,
    );
    return {
      since: now,
      lastFailure: now,
      calmMs: now - this.lastEnd < AGAIN_MS ? CALM_OF_FLAPPING_MS : CALM_MS,
      failed: new Map(),
      stoppedRuns: 0,
    };
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** `64 statements (40 settle, 24 claim popped)` */
function describeCounts(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  const kinds = sorted
    .slice(0, MAX_KINDS)
    .map(([kind, count]) => `${count} ${kind}`);
  const more = sorted.length > MAX_KINDS ? ' …' : '';
  return `${total} statement${total === 1 ? '' : 's'} (${kinds.join(', ')}${more})`;
}

const describeStopped = (runs: number): string =>
  runs === 0
    ? ''
    : ` ${runs} running job(s) were told to stop, as the lease of this worker was over.`;
