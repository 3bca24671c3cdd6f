import { AsyncLocalStorage } from 'node:async_hooks';
import { types } from 'node:util';
import type { Job, KyuEvents, RunCounts } from '@kyu/nestjs';
import type {
  ClaimedJob,
  Claimer,
  JobExecutor,
  ReadyJob,
} from '@kyu/nestjs/testing-internals';
import type { EntityManager } from 'typeorm';
import type { DrainOptions } from '../call-options.js';
import { EndlessJobsError, MAX_RUNS } from '../endless-jobs.js';
import type { Faults } from '../faults.js';
import { Testbed, type Enqueued, type HandlerParts } from '../testbed.js';
import { MemoryFaults } from './memory.faults.js';
import type { MemoryJobStore } from './memory.job-store.js';
import type { MemoryReadyQueue } from './memory.ready-queue.js';
import type { Managed } from './memory.transactional-runner.js';
import { toJob, type MemoryTable } from './memory-table.js';
import type { RecordingScope } from './recording-scope.js';

/** A job that enqueues itself, and waits for that, would be run inline for ever: each run is inside the one before. */
const MAX_UNDER_WAY = 1_000;

export interface MemoryParts extends HandlerParts {
  scope: RecordingScope;
  table: MemoryTable;
  store: MemoryJobStore;
  readyQueue: MemoryReadyQueue;
  claimer: Claimer;
  executor: JobExecutor;
  events: KyuEvents;
}

export interface MemoryOptions extends Managed {
  mode: 'inline' | 'manual';
  throwFailures?: boolean;
}

type End = Awaited<ReturnType<JobExecutor['execute']>>;

/** How a run ended, with the errors of its handler and of the jobs that it ran inline. */
interface Ended {
  end: End;
  errors: readonly unknown[];
}

/** Is responsible for running the jobs in memory: one at a time, by the real executor. */
export class MemoryTestbed extends Testbed {
  readonly faults: Faults;
  /** Of the run under way around here, the errors of jobs that it enqueued: they are the test's to see, and not the handler's. */
  private readonly surfacing = new AsyncLocalStorage<unknown[]>();
  private readonly inline = new Map<string, Promise<Ended | undefined>>();
  private underWay = 0;

  constructor(
    override readonly parts: MemoryParts,
    private readonly options: MemoryOptions,
  ) {
    super(parts);
    this.faults = new MemoryFaults(parts.table);
    if (options.mode === 'inline')
      parts.readyQueue.onStaged = (jobs) => this.start(jobs);
  }

  async jobs(): Promise<Job[]> {
    return this.parts.table.all().map(toJob);
  }

  firstDueAt({ id }: Job): Date {
    return new Date(this.parts.table.find(id)!.firstDueAt);
  }

  override async afterEnqueue(jobs: readonly Enqueued[]): Promise<void> {
    if (this.options.mode === 'manual') return;
    const ids = jobs.map(({ id }) => id);
    const runs = ids.flatMap((id) => this.inline.get(id) ?? []);
    const ended = await Promise.all(runs);
    for (const id of ids) this.inline.delete(id);
    this.surface(ended.flatMap((each) => each?.errors ?? []));
  }

  /** No look at the table each half second is needed to learn of it. */
  override async afterCancel(): Promise<void> {
    const { store, executor, worker } = this.parts;
    executor.cancel(await store.findCancelRequested(worker.id));
  }

  async drain({
    withScheduled = false,
    // Of what a transaction enqueued, no enqueue() could say that it failed.
    throwFailures = this.options.mode === 'inline' &&
      this.options.throwFailures !== false,
  }: DrainOptions): Promise<RunCounts> {
    this.expectBooted('drain()');
    const counts: RunCounts = { claimed: 0, completed: 0, failed: 0, dead: 0 };
    const errors: unknown[] = [];
    const count = (ended: Ended | undefined): void => {
      if (!ended) return;
      if (++counts.claimed > MAX_RUNS)
        throw new EndlessJobsError(`drain() has run ${MAX_RUNS} jobs`);
      expectEnd(ended.errors);
      errors.push(...ended.errors);
      const { end } = ended;
      if (end === 'completed' || end === 'failed' || end === 'dead')
        counts[end]++;
    };
    for (;;) {
      // What was committed by a transaction runs inline with nobody to wait for it.
      for (const [id, run] of this.inline) {
        const ended = await run.finally(() => this.inline.delete(id));
        count(ended);
      }
      const job = await this.next(withScheduled);
      if (!job) break;
      count(await this.asNobody(() => this.execute(job)));
    }
    if (types.isDate(withScheduled))
      this.parts.table.moveTo(withScheduled.getTime());
    if (throwFailures && errors.length > 0) throw errors[0];
    return counts;
  }

  protected override async outermost<T>(work: () => Promise<T>): Promise<T> {
    const errors: unknown[] = [];
    const result = await this.asNobody(() => this.surfacing.run(errors, work));
    this.surface(errors);
    return result;
  }

  protected get manager(): EntityManager | undefined {
    return this.options.manager;
  }

  protected get isBooted(): boolean {
    return this.parts.readyQueue.isOpen;
  }

  /** The best job that is due, or the one that is due first. */
  private async next(
    withScheduled: boolean | Date,
  ): Promise<ClaimedJob | undefined> {
    const { table, claimer, handlers } = this.parts;
    for (;;) {
      table.promoteDue();
      const [job] = await claimer.claimWaiting(1);
      if (job || withScheduled === false) return job;
      const due = table
        .unfinished()
        .filter(({ status }) => status === 'scheduled' || status === 'failed')
        .filter(({ jobType }) => handlers.jobTypes.includes(jobType))
        .map(({ scheduledAt }) => scheduledAt);
      const first = Math.min(...due);
      const last = types.isDate(withScheduled)
        ? withScheduled.getTime()
        : Infinity;
      if (first > last || due.length === 0) return undefined;
      table.moveTo(first);
    }
  }

  /** One after the other, the best first; resolves when the last has ended. */
  private async start(jobs: readonly ReadyJob[]): Promise<void> {
    // They wait, as in production.
    if (!this.isBooted || this.parts.table.isDown) return;
    let last: Promise<unknown> = Promise.resolve();
    for (const { id } of jobs.toSorted((a, b) => b.priority - a.priority)) {
      const before = last;
      const run = this.asNobody(async () => {
        await before;
        return this.claimAndExecute(id);
      });
      this.inline.set(id, run);
      last = run.catch(() => undefined); // who waits for this run is told
    }
    await last;
  }

  private async claimAndExecute(id: string): Promise<Ended | undefined> {
    if (this.underWay >= MAX_UNDER_WAY)
      return {
        end: 'released', // it was not even begun
        errors: [
          new EndlessJobsError(`${MAX_UNDER_WAY} jobs run inside each other`),
        ],
      };
    const { store, worker, config, handlers, events } = this.parts;
    const [job] = await store.claimPopped(
      {
        worker: worker.id,
        queue: config.queueName,
        jobTypes: handlers.jobTypes,
      },
      [id],
    );
    if (!job) return undefined; // nobody here handles it, or it was cancelled meanwhile
    const { jobType, waitedMs } = job;
    events.emit('job.claimed', { id, jobType, waitedMs });
    this.underWay++;
    try {
      return await this.execute(job);
    } finally {
      this.underWay--;
    }
  }

  private async execute(job: ClaimedJob): Promise<Ended> {
    const { executor, scope, table } = this.parts;
    const nested: unknown[] = [];
    const end = await this.surfacing.run(nested, () => executor.execute(job));
    const thrown = scope.takeError(job.id);
    if (end !== 'failed' && end !== 'dead') return { end, errors: nested };
    // Without an error of its handler, it was its transaction that failed.
    const own = thrown ?? new Error(table.find(job.id)?.errorMessage ?? end);
    return { end, errors: [own, ...nested] };
  }

  private surface(errors: readonly unknown[]): void {
    const outer = this.surfacing.getStore();
    if (outer) return void outer.push(...errors);
    expectEnd(errors);
    if (errors.length > 0 && this.options.throwFailures !== false)
      throw errors[0];
  }
}

/** @throws {EndlessJobsError} which is no failure of a job: whoever keeps those to himself is told as well. */
function expectEnd(errors: readonly unknown[]): void {
  const endless = errors.find((error) => error instanceof EndlessJobsError);
  if (endless) throw endless;
}
