import type { Job, KyuEvents, RunCounts } from '@kyu/nestjs';
import {
  type DueAlarm,
  type Database,
  type IdleWorker,
  type JobReader,
  type JobRunner,
  type ReadyQueue,
} from '@kyu/nestjs/testing-internals';
import type { EntityManager } from 'typeorm';
import type { DrainOptions } from '../call-options.js';
import { EndlessJobsError, MAX_RUNS } from '../endless-jobs.js';
import type { Faults } from '../faults.js';
import { Testbed, type Enqueued, type HandlerParts } from '../testbed.js';
import { RealFaults } from './real.faults.js';
import type { RealServers } from './real-servers.js';
import { ALL_JOBS, COUNT_UNFINISHED, MAKE_DUE } from './real.sql.js';

/** Longer than anything a test should wait for, shorter than for ever. */
const DRAIN_TIMEOUT_MS = 30_000;
/** Between two looks. */
const PAUSE_MS = 20;

export interface RealParts extends HandlerParts {
  servers: RealServers;
  database: Database;
  reader: JobReader;
  runner: JobRunner;
  readyQueue: ReadyQueue;
  idleWorker: IdleWorker;
  alarm: DueAlarm;
  events: KyuEvents;
}

const none = (): RunCounts => ({
  claimed: 0,
  completed: 0,
  failed: 0,
  dead: 0,
});

/** Is responsible for looking at jobs that real workers run on real servers. */
export class RealTestbed extends Testbed {
  readonly faults: Faults;
  protected isBooted = false;
  private counts = none();
  private errors: string[] = [];
  /** Claimed, and their ends not yet told. */
  private readonly underWay = new Set<string>();
  private readonly firstDue = new Map<string, Date | undefined>();

  constructor(override readonly parts: RealParts) {
    super(parts);
    const { config, servers, readyQueue, idleWorker } = parts;
    const lent = config.postgres.dataSource !== undefined;
    this.faults = new RealFaults(servers, lent, readyQueue, idleWorker);
    this.watchBoot(readyQueue);
    this.count(parts.events);
  }

  async jobs(): Promise<Job[]> {
    const { database, reader, config } = this.parts;
    const rows = await database.run(ALL_JOBS, [config.queueName]);
    const jobs = await Promise.all(
      rows.map(({ id }) => reader.find(config.queueName, id)),
    );
    return jobs.filter((job) => job !== undefined);
  }

  /** Of a job that another process enqueued, only what its row says is known. */
  firstDueAt({ id, createdAt, scheduledAt }: Job): Date {
    return this.firstDue.has(id)
      ? (this.firstDue.get(id) ?? createdAt)
      : scheduledAt;
  }

  override async afterEnqueue(jobs: readonly Enqueued[]): Promise<void> {
    for (const { id, scheduledAt } of jobs) this.firstDue.set(id, scheduledAt);
  }

  /** Its workers run the jobs anyway: this waits for them. What it counts is all since the last call. */
  async drain({
    withScheduled = false,
    throwFailures = false,
  }: DrainOptions): Promise<RunCounts> {
    this.expectBooted('drain()');
    try {
      await this.workUpTo(withScheduled);
      if (throwFailures && this.errors.length > 0)
        throw new Error(this.errors[0]);
      return this.counts;
    } finally {
      this.counts = none();
      this.errors = [];
    }
  }

  protected get manager(): EntityManager {
    return this.parts.database.dataSource.manager;
  }

  /** From here to its close, there are handlers, and workers that run them. */
  private watchBoot(readyQueue: ReadyQueue): void {
    const open = readyQueue.open.bind(readyQueue);
    const close = readyQueue.close.bind(readyQueue);
    readyQueue.open = async () => {
      await open();
      this.isBooted = true;
    };
    readyQueue.close = async () => {
      this.isBooted = false;
      await close();
    };
  }

  private count(events: KyuEvents): void {
    events.on('job.claimed', ({ id }) => {
      this.counts.claimed++;
      this.underWay.add(id);
    });
    events.on('job.settled', ({ id, status, error }) => {
      if (status !== 'cancelled') this.counts[status]++;
      if (error !== undefined) this.errors.push(error);
      this.underWay.delete(id);
    });
    for (const end of ['job.released', 'job.cancelled', 'lease.lost'] as const)
      events.on(end, ({ id }) => void this.underWay.delete(id));
  }

  private async workUpTo(withScheduled: boolean | Date): Promise<void> {
    const deadline = performance.now() + DRAIN_TIMEOUT_MS;
    let last = withScheduled === true ? Infinity : Number(withScheduled);
    for (;;) {
      await this.work(deadline);
      if (withScheduled === false) return;
      const { claimed } = this.counts;
      const waits = await this.makeDue(last);
      // As if the clock had moved to the first of them: what these enqueue in turn has so much less time left.
      if (waits.length > 0) last -= Math.max(0, Math.min(...waits));
      else if (await this.isStill(claimed)) return;
    }
  }

  /** A retry may have come due between the two looks, and have run already: then there may be another. */
  private async isStill(claimed: number): Promise<boolean> {
    if (this.parts.config.mode === 'producer') return true;
    const unfinished = await this.unfinished();
    return (
      unfinished.length === 0 &&
      this.underWay.size === 0 &&
      this.counts.claimed === claimed
    );
  }

  /** Resolves when nothing is due and nothing runs, and all that ran has been counted. */
  private async work(deadline: number): Promise<void> {
    const { config, runner } = this.parts;
    if (config.mode !== 'producer') return this.wait(deadline, () => true);
    let runs = true;
    const once = runner.runOnce().finally(() => {
      runs = false;
    });
    // What comes due after it is nobody's.
    await Promise.all([once, this.wait(deadline, () => runs)]);
  }

  /** @param works somebody does, so that it is worth while to wait. */
  private async wait(deadline: number, works: () => boolean): Promise<void> {
    while (works()) {
      if (this.counts.claimed > MAX_RUNS)
        throw new EndlessJobsError(
          `drain() has seen ${this.counts.claimed} runs`,
        );
      let cause: unknown;
      const unfinished = await this.unfinished().catch((error: unknown) => {
        cause = error; // a connection that was cut, and is replaced
        return ['what PostgreSQL does not tell'];
      });
      if (unfinished.length === 0 && this.underWay.size === 0) return;
      if (performance.now() > deadline)
        throw new Error(
          `drain() has waited ${DRAIN_TIMEOUT_MS} ms, and there are still: ${unfinished.join(', ') || 'runs whose end is not stored'}. Does a handler wait for ` +
            'something that does not come, or a job enqueue itself again?',
          { cause },
        );
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  /** `2 pending "send_email"` */
  private async unfinished(): Promise<string[]> {
    const { database, config, handlers } = this.parts;
    const rows = await database.run(COUNT_UNFINISHED, [
      config.queueName,
      handlers.jobTypes,
    ]);
    return rows.map(
      ({ status, job_type, jobs }) => `${jobs} ${status} "${job_type}"`,
    );
  }

  /** The server's clock is not a test's to move: the jobs are. How long each had to wait, in milliseconds. */
  private async makeDue(last: number): Promise<number[]> {
    const { database, config, handlers, alarm } = this.parts;
    const due = await database.run(MAKE_DUE, [
      config.queueName,
      handlers.jobTypes,
      last === Infinity ? null : new Date(last),
    ]);
    alarm.noteDueIn(0);
    return due.map(({ wait_ms }) => wait_ms);
  }
}
