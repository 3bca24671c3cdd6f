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

/** A failure after which no statement has succeeded or failed yet. */
interface FirstFailure {
  at: number;
  kind: string;
  cause: string;
}

/**
 * Is responsible for the two lines of an outage of PostgreSQL: one when statements fail, one when
 * they succeed again. One failure alone is a connection that broke, and no outage: the next
 * statement, on another one, succeeds.
 */
export class PostgresOutage {
  private outage: Outage | undefined;
  private first: FirstFailure | undefined;
  private successes = 0;
  private lastEnd = Number.NEGATIVE_INFINITY;

  /** @param where the server is: `host:port/database` */
  constructor(
    private readonly where: string,
    private readonly log: Pick<KyuLog, 'log' | 'warn' | 'error'>,
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
    const kind = statement.replace(/_unheld$/, '').replaceAll('_', ' ');
    if (!this.outage && !this.first && !takesNone(error)) {
      this.first = { at: now, kind, cause };
      return;
    }
    this.outage ??= this.begin(this.first ?? { at: now, kind, cause });
    const { outage } = this;
    count(outage.failed, kind);
    outage.lastFailure = now;
    if (takesNone(error))
      outage.calmMs = Math.max(outage.calmMs, CALM_OF_WRITES_MS);
  }

  /** How many statements have succeeded so far. */
  get successCount(): number {
    return this.successes;
  }

  /** A statement succeeded. Called for every one. */
  succeeded(): void {
    this.successes++;
    if (this.outage) this.endIfCalm(this.outage);
    else if (this.first) {
      const { kind, cause } = this.first;
      this.first = undefined;
      this.log.warn(
        `A connection to PostgreSQL at ${this.where} broke (${cause}), and a statement failed (${kind}). Others succeed.`,
      );
    }
  }

  private endIfCalm(outage: Outage): void {
    const now = this.now();
    if (now - outage.lastFailure < outage.calmMs) return;
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

  private begin({ at, kind, cause }: FirstFailure): Outage {
    const failed = new Map<string, number>();
    if (this.first) count(failed, kind);
    this.first = undefined;
    this.log.error(
      `PostgreSQL at ${this.where} cannot be used: ${cause}. Enqueues fail and no job is claimed until it can; running jobs go on, and Kyu tries again by itself.`,
    );
    return {
      since: at,
      lastFailure: at,
      calmMs: at - this.lastEnd < AGAIN_MS ? CALM_OF_FLAPPING_MS : CALM_MS,
      failed,
      stoppedRuns: 0,
    };
  }
}

const count = (counts: Map<string, number>, kind: string): void => {
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
};

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
