import type {
  Claimant,
  ClaimedJob,
  EnqueuedJob,
  JobStore,
  NewJob,
  Run,
  SettledStatus,
  Settlement,
} from '@kyu/nestjs/testing-internals';
import type { MemoryTable, Row } from './memory-table.js';

/** As in the real one: zero changes is an answer. */
type Methods<T> = Pick<T, keyof T>;

/** Is responsible for a job's way through the table in memory: each method does what the statement of the same name does. */
export class MemoryJobStore implements Methods<JobStore> {
  /** A statement costs nothing here; and a timer might be one of a test's own. */
  readonly settleGatherMs = 0;

  constructor(private readonly table: MemoryTable) {}

  async enqueue(
    queue: string,
    jobs: readonly NewJob[],
  ): Promise<EnqueuedJob[]> {
    this.table.expectUp();
    return this.insert(queue, jobs);
  }

  /** The same at once, for a hook that can neither wait nor fail. */
  insert(queue: string, jobs: readonly NewJob[]): EnqueuedJob[] {
    const { now } = this.table;
    return this.table.insert(queue, jobs).map((row) => enqueued(row, now));
  }

  async enqueueClaimed(
    queue: string,
    worker: string,
    job: NewJob,
  ): Promise<ClaimedJob> {
    this.table.expectUp();
    const [row] = this.table.insert(queue, [job]);
    return this.claim(row!, { worker });
  }

  async claimPopped(
    claimant: Claimant,
    ids: readonly string[],
  ): Promise<ClaimedJob[]> {
    return [...new Set(ids)]
      .flatMap((id) => this.table.find(id) ?? [])
      .filter((row) => this.isClaimable(row, claimant))
      .map((row) => this.claim(row, claimant));
  }

  async claimWaiting(claimant: Claimant, limit: number): Promise<ClaimedJob[]> {
    return this.table
      .unfinished()
      .filter((row) => this.isClaimable(row, claimant))
      .sort((a, b) => b.priority - a.priority || (a.id < b.id ? -1 : 1))
      .slice(0, limit)
      .map((row) => this.claim(row, claimant));
  }

  async settleIfOwned(
    worker: string,
    settlements: readonly Settlement[],
  ): Promise<Map<string, SettledStatus>> {
    const settled = new Map<string, SettledStatus>();
    for (const settlement of settlements) {
      const row = this.owned(worker, settlement);
      if (row) settled.set(row.id, this.settle(row, settlement));
    }
    return settled;
  }

  async explainUnsettled(
    worker: string,
    runs: readonly Run[],
  ): Promise<Map<string, SettledStatus | 'held' | 'fenced'>> {
    return new Map(
      runs.map((run) => [
        run.id,
        this.owned(worker, run) ? 'held' : this.settledAs(worker, run),
      ]),
    );
  }

  async releaseIfOwned(
    worker: string,
    runs: readonly Run[],
  ): Promise<Map<string, 'pending' | 'cancelled'>> {
    const released = new Map<string, 'pending' | 'cancelled'>();
    for (const run of runs) {
      const row = this.owned(worker, run);
      if (!row) continue;
      this.table.endRun(row, 'released');
      if (row.cancelRequested) row.completedAt = this.table.now;
      row.status = row.cancelRequested ? 'cancelled' : 'pending';
      released.set(row.id, row.status);
    }
    return released;
  }

  /** Nothing is lost on the way to a table in memory. */
  async releaseStrays(): Promise<[]> {
    return [];
  }

  async mayStart(worker: string, runs: readonly Run[]): Promise<Set<string>> {
    const may = runs.filter(
      (run) => this.owned(worker, run)?.cancelRequested === false,
    );
    return new Set(may.map(({ id }) => id));
  }

  async markStarted(worker: string, run: Run): Promise<boolean> {
    return this.owned(worker, run)?.cancelRequested === false;
  }

  async cancelIfUnfinished(
    queue: string,
    id: string,
  ): Promise<{ jobType: string; running: boolean } | undefined> {
    const row = this.table.find(id);
    if (row?.queue !== queue || row.completedAt !== null) return undefined;
    const running = row.status === 'running';
    if (running) row.cancelRequested = true;
    else {
      row.status = 'cancelled';
      row.completedAt = this.table.now;
    }
    row.updatedAt = this.table.now;
    return { jobType: row.jobType, running };
  }

  async findCancelRequested(worker: string): Promise<Run[]> {
    return this.table
      .all()
      .filter(({ lockedBy, cancelRequested }) =>
        cancelRequested ? lockedBy === worker : false,
      )
      .map(({ id, claimToken: token }) => ({ id, token }));
  }

  private isClaimable(row: Row, { queue, jobTypes }: Claimant): boolean {
    return (
      row.status === 'pending' &&
      row.queue === queue &&
      row.scheduledAt <= this.table.now &&
      jobTypes.includes(row.jobType)
    );
  }

  private claim(row: Row, { worker }: Pick<Claimant, 'worker'>): ClaimedJob {
    const { now } = this.table;
    row.status = 'running';
    row.lockedBy = worker;
    row.lockedAt = now;
    row.updatedAt = now;
    row.claimToken++;
    return {
      id: row.id,
      jobType: row.jobType,
      payloadJson: row.payloadJson,
      contextJson: row.contextJson,
      priority: row.priority,
      maxRetries: row.maxRetries,
      retryCount: row.retryCount,
      crashCount: 0,
      timeoutMs: row.timeoutMs,
      token: row.claimToken,
      createdAt: new Date(row.createdAt),
      scheduledAt: new Date(row.scheduledAt),
      waitedMs: now - row.scheduledAt,
      claimedAt: performance.now(),
    };
  }

  private owned(worker: string, { id, token }: Run): Row | undefined {
    const row = this.table.find(id);
    return row?.status === 'running' &&
      row.claimToken === token &&
      row.lockedBy === worker
      ? row
      : undefined;
  }

  private settle(row: Row, { outcome }: Settlement): SettledStatus {
    const { now } = this.table;
    const failed = outcome.status === 'completed' ? undefined : outcome;
    const status = row.cancelRequested ? 'cancelled' : outcome.status;
    this.table.endRun(row, status, failed);
    row.status = status;
    row.errorMessage = failed?.error ?? null;
    row.resultJson = failed
      ? null
      : (outcome as { resultJson: string | null }).resultJson;
    if (status !== 'failed') row.completedAt = now;
    else {
      row.retryCount++;
      row.scheduledAt = now + (outcome as { retryInMs: number }).retryInMs;
    }
    return status;
  }

  private settledAs(
    worker: string,
    { id, token }: Run,
  ): SettledStatus | 'fenced' {
    const run = this.table
      .find(id)
      ?.history.find((each) => each.token === token && each.worker === worker);
    return run && run.outcome !== 'released' && run.outcome !== 'crashed'
      ? run.outcome
      : 'fenced';
  }
}

export const enqueued = (row: Row, now: number): EnqueuedJob => ({
  id: row.id,
  jobType: row.jobType,
  priority: row.priority,
  status: row.status as EnqueuedJob['status'],
  dueInMs: row.scheduledAt - now,
});
