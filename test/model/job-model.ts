import type { JobStatus } from '@kyu/nestjs';
import type { SettledStatus } from '../../libs/kyu/src/store/settlement.js';

/** The state machine as the README tells it: pure, in memory, and written without a look at the SQL. */

export const MAX_CRASHES = 3;
export const TERMINAL: readonly JobStatus[] = [
  'completed',
  'dead',
  'cancelled',
];
/** Who can run what: a claim must not see the others. */
export const WORKERS = [
  { name: 'w0', jobTypes: ['a', 'b'] },
  { name: 'w1', jobTypes: ['a'] },
  { name: 'w2', jobTypes: ['b'] },
] as const;
export type WorkerName = (typeof WORKERS)[number]['name'];

export interface ModelJob {
  id: string;
  jobType: 'a' | 'b';
  priority: number;
  status: JobStatus;
  token: number;
  retryCount: number;
  crashCount: number;
  owner: WorkerName | null;
  /** Its time has come. */
  due: boolean;
  /** A handler of a job that had lost a worker has begun. */
  started: boolean;
  /** It has overrun its timeout and more on its worker. */
  overdue: boolean;
  cancelRequested: boolean;
  /** It ended longer ago than any retention. */
  old: boolean;
  /** `token worker outcome` of each run that has ended. */
  history: string[];
}

export interface Claim {
  id: string;
  token: number;
  worker: WorkerName;
}

export type Ending = 'completed' | 'failed' | 'dead';

export class JobModel {
  readonly jobs = new Map<string, ModelJob>();
  /** Every claim there ever was, also of jobs that others have by now: what a zombie may still try. */
  readonly claims: Claim[] = [];
  readonly workers = new Map<WorkerName, 'fresh' | 'stale' | 'gone'>(
    WORKERS.map(({ name }) => [name, 'fresh']),
  );

  /** By their ids: that is by when they were enqueued. */
  get all(): ModelJob[] {
    return [...this.jobs.values()];
  }

  enqueue(
    id: string,
    { jobType, priority, at }: Pick<ModelJob, 'jobType' | 'priority'> & When,
  ): JobStatus {
    const status = at === 'future' ? 'scheduled' : 'pending';
    this.jobs.set(id, {
      id,
      jobType,
      priority,
      status,
      due: at !== 'future',
      token: 0,
      retryCount: 0,
      crashCount: 0,
      owner: null,
      started: false,
      overdue: false,
      cancelRequested: false,
      old: false,
      history: [],
    });
    return status;
  }

  /** In the order of `ids`, or of priority and age. */
  claim(
    worker: WorkerName,
    wanted: { ids: readonly string[] } | { limit: number },
  ): Claim[] {
    const { jobTypes } = WORKERS.find(({ name }) => name === worker)!;
    const free = this.all.filter(
      ({ status, due, jobType }) =>
        status === 'pending' && due && [...jobTypes].includes(jobType),
    );
    const chosen =
      'ids' in wanted
        ? [...new Set(wanted.ids)].flatMap(
            (id) => free.find((job) => job.id === id) ?? [],
          )
        : free
            .toSorted((a, b) => b.priority - a.priority)
            .slice(0, wanted.limit);
    return chosen.map((job) => {
      Object.assign(job, {
        status: 'running',
        owner: worker,
        token: job.token + 1,
        started: false,
        overdue: false,
      });
      const claim = { id: job.id, token: job.token, worker };
      this.claims.push(claim);
      return claim;
    });
  }

  owned({ id, token, worker }: Claim): ModelJob | undefined {
    const job = this.jobs.get(id);
    return job?.status === 'running' &&
      job.token === token &&
      job.owner === worker
      ? job
      : undefined;
  }

  settle(
    run: Claim,
    ending: Ending,
    dueAtOnce: boolean,
  ): SettledStatus | undefined {
    const job = this.owned(run);
    if (!job) return undefined;
    const status = job.cancelRequested ? 'cancelled' : ending;
    if (status === 'failed') {
      job.retryCount++;
      job.due = dueAtOnce;
    }
    this.end(job, status, status);
    return status;
  }

  release(run: Claim): boolean {
    const job = this.owned(run);
    if (!job) return false;
    this.giveBack(job);
    return true;
  }

  releaseStrays(worker: WorkerName, known: readonly string[]): string[] {
    const strays = this.all.filter(
      ({ owner, id }) => owner === worker && !known.includes(id),
    );
    for (const job of strays) this.giveBack(job);
    return strays.map(({ id }) => id);
  }

  rescue(): Map<string, JobStatus> {
    const stale = this.all.filter(
      ({ owner, overdue }) =>
        owner !== null && (overdue || this.workers.get(owner) !== 'fresh'),
    );
    for (const job of stale) {
      if (job.crashCount === 0 || job.started) job.crashCount++;
      const status = job.cancelRequested
        ? 'cancelled'
        : job.crashCount >= MAX_CRASHES
          ? 'dead'
          : 'pending';
      this.end(job, status, 'crashed');
    }
    return new Map(stale.map(({ id, status }) => [id, status]));
  }

  mayStart(run: Claim): boolean {
    return this.owned(run)?.cancelRequested === false;
  }

  markStarted(run: Claim): boolean {
    if (!this.mayStart(run)) return false;
    this.owned(run)!.started = true;
    return true;
  }

  promote(): { promoted: string[]; more: boolean } {
    const waiting = this.all.filter(
      ({ status }) => status === 'scheduled' || status === 'failed',
    );
    const due = waiting.filter((job) => job.due);
    for (const job of due) job.status = 'pending';
    return {
      promoted: due.map(({ id }) => id),
      more: waiting.length > due.length,
    };
  }

  cancel(id: string): 'waiting' | 'running' | undefined {
    const job = this.jobs.get(id);
    if (!job || TERMINAL.includes(job.status)) return undefined;
    if (job.status === 'running') {
      job.cancelRequested = true;
      return 'running';
    }
    job.status = 'cancelled';
    return 'waiting';
  }

  prune(kept: Readonly<Record<string, boolean>>, limit: number): number {
    const gone = this.all
      .filter(({ status, old }) => old && !kept[status])
      .slice(0, limit);
    for (const { id } of gone) this.jobs.delete(id);
    return gone.length;
  }

  /** Lost workers that own nothing any more. */
  removeLost(): WorkerName[] {
    const lost = [...this.workers].flatMap(([name, state]) =>
      state === 'stale' && this.all.every(({ owner }) => owner !== name)
        ? [name]
        : [],
    );
    for (const name of lost) this.workers.set(name, 'gone');
    return lost;
  }

  private giveBack(job: ModelJob): void {
    this.end(job, job.cancelRequested ? 'cancelled' : 'pending', 'released');
  }

  private end(job: ModelJob, status: JobStatus, outcome: string): void {
    job.history.push(`${job.token} ${job.owner} ${outcome}`);
    Object.assign(job, { status, owner: null, started: false, overdue: false });
  }
}

export interface When {
  at: 'now' | 'past' | 'future';
}
