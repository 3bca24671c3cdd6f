import type { KyuEvents } from '@kyu/nestjs';

export const PHASES = [
  'waiting',
  'running',
  'retrying',
  'completed',
  'dead',
  'cancelled',
] as const;
export type Phase = (typeof PHASES)[number];

export interface TypeTally extends Record<Phase, number> {
  /** Sum over all claims of the time since the job was due, and how many claims there were. */
  waitedMs: number;
  claims: number;
}

export interface Failure {
  jobType: string;
  error: string;
  dead: boolean;
}

const SLICE_MS = 500;
const KEPT_FAILURES = 8;

/** Is responsible for knowing, from Kyu's events alone, where every job of this process is. */
export class Tally {
  readonly types: ReadonlyMap<string, TypeTally>;
  readonly total = newTally();
  /** The newest last. */
  readonly failures: Failure[] = [];
  private readonly phases = new Map<string, Phase>();
  private readonly startedAt = performance.now();
  private readonly endedRuns: number[] = [];

  constructor(types: readonly string[], events: readonly KyuEvents[]) {
    this.types = new Map(types.map((type) => [type, newTally()]));
    for (const each of events) this.follow(each);
  }

  /** Jobs that have reached their end. */
  get finished(): number {
    return this.total.completed + this.total.dead + this.total.cancelled;
  }

  get elapsedMs(): number {
    return performance.now() - this.startedAt;
  }

  /** Runs per second in each of the last `count` half seconds, the newest last. */
  throughput(count: number): number[] {
    const newest = this.sliceOf(performance.now()) - 1; // the one before the running one
    return Array.from(
      { length: count },
      (_, i) =>
        ((this.endedRuns[newest - count + 1 + i] ?? 0) * 1000) / SLICE_MS,
    );
  }

  private follow(events: KyuEvents): void {
    events.on('job.enqueued', ({ id, jobType }) => {
      // A quick worker's claim may be told before the enqueue() that it belongs to has returned.
      if (!this.phases.has(id)) this.move(id, jobType, 'waiting');
    });
    events.on('job.claimed', ({ id, jobType, waitedMs }) => {
      this.move(id, jobType, 'running');
      for (const tally of this.talliesOf(jobType)) {
        tally.claims++;
        tally.waitedMs += waitedMs;
      }
    });
    events.on('job.settled', ({ id, jobType, status, error }) => {
      this.move(id, jobType, status === 'failed' ? 'retrying' : status);
      const slice = this.sliceOf(performance.now());
      this.endedRuns[slice] = (this.endedRuns[slice] ?? 0) + 1;
      if (error === undefined || status === 'cancelled') return;
      this.failures.push({ jobType, error, dead: status === 'dead' });
      if (this.failures.length > KEPT_FAILURES) this.failures.shift();
    });
    events.on('job.cancelled', ({ id, jobType }) =>
      this.move(id, jobType, 'cancelled'),
    );
    events.on('job.released', ({ id, jobType }) =>
      this.move(id, jobType, 'waiting'),
    );
    events.on('job.rescued', ({ id, jobType, status }) =>
      this.move(id, jobType, status === 'pending' ? 'waiting' : status),
    );
  }

  private move(id: string, jobType: string, to: Phase): void {
    const from = this.phases.get(id);
    this.phases.set(id, to);
    for (const tally of this.talliesOf(jobType)) {
      if (from) tally[from]--;
      tally[to]++;
    }
  }

  private talliesOf(jobType: string): TypeTally[] {
    const tally = this.types.get(jobType);
    return tally ? [tally, this.total] : [this.total];
  }

  private sliceOf(time: number): number {
    return Math.floor((time - this.startedAt) / SLICE_MS);
  }
}

function newTally(): TypeTally {
  return {
    waiting: 0,
    running: 0,
    retrying: 0,
    completed: 0,
    dead: 0,
    cancelled: 0,
    waitedMs: 0,
    claims: 0,
  };
}
