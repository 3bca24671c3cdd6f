import { Inject, Injectable } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import { KyuEvents } from '../events/kyu-events.js';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import {
  LOOK_IN_POSTGRES,
  ReadyQueue,
  type ReadyJob,
} from '../ready-queue/ready-queue.js';
import type { KyuLog } from '../runtime/kyu-log.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { isUuid } from '../runtime/uuid-v7.js';
import { WorkerIdentity } from '../runtime/worker-identity.js';
import { JobReader } from '../store/job-reader.js';
import {
  JobStore,
  type ClaimedJob,
  type Claimant,
} from '../store/job-store.js';
import { Heartbeat } from './heartbeat.js';
import { UnknownIdWatch } from './unknown-id-watch.js';

/**
 * A worker that has claimed no job by a pop looks into PostgreSQL itself this often while refills
 * find waiting jobs, whatever Redis says. An id may be popped again and again by a worker that
 * cannot run its job, and the ready set may be full of ids that belong to no job.
 */
const SAFETY_LOOK_MS = 5_000;
/** And this often while they find nothing: also a refill may fail. */
const IDLE_LOOK_MS = 30_000;

/** A worker that finds nothing looks this often whether that is for want of a handler; at its next look, once this process enqueued what it cannot run. */
const EXPLAIN_PERIOD_MS = 30_000;
/** Types that are warned about, once each; somebody may make up new ones for ever. */
const MAX_WARNED = 100;
/** Refused ids that wait to be explained, while Postgres is slow to explain others; what is beyond them is not explained. */
const MAX_UNEXPLAINED = 1_000;

/** Is responsible for getting jobs that this worker owns: pop, then claim; straight from Postgres when the ready queue cannot tell. */
@Injectable()
export class Claimer {
  private lastLook = performance.now();
  private lastExplained = Number.NEGATIVE_INFINITY;
  private claimFailed = false;
  /** There may be jobs that wait although no id comes. */
  private mayWait = true;
  /** The last look into PostgreSQL found jobs that no pop had brought: the next look may find more. */
  private lookFoundJobs = false;
  private explaining = false;
  private poppingPatiently = false;
  private unexplained: string[] = [];
  private lastClaim = performance.now();
  /** While PostgreSQL is away no worker can claim: it is not idle. */
  private lastOutage = 0;
  private readonly warned = new Set<string>();
  private readonly unknownIds: UnknownIdWatch;

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly handlers: HandlerRegistry,
    private readonly readyQueue: ReadyQueue,
    private readonly store: JobStore,
    private readonly reader: JobReader,
    private readonly events: KyuEvents,
    private readonly worker: WorkerIdentity,
    private readonly heartbeat: Heartbeat,
    @Inject(KyuLogger) private readonly logger: KyuLog,
  ) {
    this.unknownIds = new UnknownIdWatch(reader, config.queueName, logger);
    for (const event of ['jobs.refilled', 'stage.failed'] as const)
      events.on(event, () => {
        this.mayWait = true;
      });
    events.on('job.enqueued', ({ jobType, status }) => {
      // It is on its way through Redis: what comes after it must not begin before it.
      if (status === 'pending') this.poppingPatiently = false;
      if (!this.handlers.has(jobType) && this.mayWarnOf(jobType))
        this.lastExplained = Number.NEGATIVE_INFINITY;
    });
  }

  /** Milliseconds since the last claim that brought a job. */
  get sinceClaimMs(): number {
    return performance.now() - Math.max(this.lastClaim, this.lastOutage);
  }

  /** PostgreSQL could not be used just now. */
  noteOutage(): void {
    this.lastOutage = performance.now();
  }

  /** No job is known of, and none is being claimed: the first that comes will be. */
  get waiting(): boolean {
    return this.poppingPatiently;
  }

  /**
   * Up to `room()` jobs, best first; waits up to `waitMs` for the first, and asks again then how many there is room for. Nothing is claimed once `signal` has
   * aborted.
   */
  async claimNext(
    room: () => number,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<ClaimedJob[]> {
    // Without a healthy claim nothing is popped: a short outage of Postgres would empty the ready queue.
    if (this.claimFailed) return this.claimWaiting(room());
    const limit = room();
    if (limit <= 0) return [];
    this.poppingPatiently = waitMs > 0;
    const popped = await this.readyQueue.pop(limit, waitMs, signal);
    this.poppingPatiently = false;
    if (popped === LOOK_IN_POSTGRES)
      return signal?.aborted || this.heartbeat.fenced
        ? []
        : this.claimWaiting(room());
    const claimable =
      signal?.aborted || this.heartbeat.fenced
        ? []
        : popped.slice(0, Math.max(0, room()));
    const putBack = this.readyQueue.putBack(popped.slice(claimable.length));
    const jobs = claimable.length > 0 ? await this.claimPopped(claimable) : [];
    await putBack; // the next pop must find it
    const mayLook =
      jobs.length === 0 && !signal?.aborted && !this.heartbeat.fenced;
    return mayLook && this.lookIsDue ? this.claimWaiting(room()) : jobs;
  }

  private get lookIsDue(): boolean {
    const lookMs = this.lookFoundJobs
      ? 0
      : this.mayWait
        ? SAFETY_LOOK_MS
        : IDLE_LOOK_MS;
    return performance.now() - this.lastLook >= lookMs;
  }

  /** Up to `limit` jobs straight from Postgres, best first. */
  async claimWaiting(limit: number): Promise<ClaimedJob[]> {
    if (limit <= 0) return []; // no look: the next one is due as it was
    this.lastLook = performance.now();
    this.mayWait = false; // before the look: what is refilled meanwhile, it may not see
    const jobs = await this.store.claimWaiting(this.claimant(), limit);
    this.claimFailed = false;
    this.lookFoundJobs = jobs.length > 0;
    if (this.lookFoundJobs) this.mayWait = true;
    else await this.explainWaiting();
    return this.announce(jobs);
  }

  private async claimPopped(
    popped: readonly ReadyJob[],
  ): Promise<ClaimedJob[]> {
    // Anybody may write to Redis: what is no job id must not fail the statement for all the others.
    const ids = popped.map(({ id }) => id).filter(isUuid);
    if (ids.length < popped.length) this.unknownIds.found();
    if (ids.length === 0) return [];
    let jobs: ClaimedJob[];
    try {
      jobs = await this.store.claimPopped(this.claimant(), ids);
    } catch (error) {
      this.claimFailed = true;
      await this.readyQueue.putBack(popped);
      throw error;
    }
    if (jobs.length < ids.length) this.explainRefused(ids, jobs);
    return this.announce(jobs);
  }

  /** A refused id is ordinary (stale, repeated, cancelled), except when the job waits for a handler that is not here. Nobody waits for the answer. */
  private explainRefused(
    ids: readonly string[],
    jobs: readonly ClaimedJob[],
  ): void {
    const ours = new Set(jobs.map(({ id }) => id));
    for (const id of ids)
      if (!ours.has(id) && this.unexplained.length < MAX_UNEXPLAINED)
        this.unexplained.push(id);
    if (!this.explaining) void this.explainUnexplained();
  }

  /** One statement at a time: a queue full of refused ids must not take the pool. */
  private async explainUnexplained(): Promise<void> {
    this.explaining = true;
    while (this.unexplained.length > 0) {
      const ids = this.unexplained.splice(0);
      await this.unknownIds.lookAt(ids);
      await this.reader
        .findUnhandled(this.config.queueName, ids, this.handlers.jobTypes)
        .then((unhandled) => this.warn(unhandled))
        .catch(() => undefined); // it only explains
    }
    this.explaining = false;
  }

  /** Without Redis nobody is refused: what this process cannot run is not even seen. */
  private async explainWaiting(): Promise<void> {
    if (performance.now() - this.lastExplained < EXPLAIN_PERIOD_MS) return;
    this.lastExplained = performance.now();
    await this.reader
      .findUnhandledWaiting(this.config.queueName, this.handlers.jobTypes)
      .then((unhandled) => this.warn(unhandled))
      .catch(() => undefined);
  }

  /** Nobody has been told yet that this type is not run here. */
  private mayWarnOf(jobType: string): boolean {
    return !this.warned.has(jobType) && this.warned.size < MAX_WARNED;
  }

  private warn(unhandled: readonly { id: string; jobType: string }[]): void {
    for (const job of unhandled) {
      this.events.emit('job.unhandled', job);
      if (!this.mayWarnOf(job.jobType)) continue;
      this.warned.add(job.jobType);
      // Quoted: a type may hold line breaks, and a log line must stay one.
      const type = JSON.stringify(job.jobType);
      this.logger.warn(
        `No handler for the job type ${type} in this process. Its jobs wait for a worker that has one; ${this.handlers.adviceFor(job.jobType)}`,
      );
    }
  }

  /** Tells of jobs that are ours now. */
  announce(jobs: ClaimedJob[]): ClaimedJob[] {
    if (jobs.length > 0) this.lastClaim = performance.now();
    for (const { id, jobType, waitedMs } of jobs)
      this.events.emit('job.claimed', { id, jobType, waitedMs });
    return jobs;
  }

  private claimant(): Claimant {
    return {
      worker: this.worker.id,
      queue: this.config.queueName,
      jobTypes: this.handlers.jobTypes,
    };
  }
}
