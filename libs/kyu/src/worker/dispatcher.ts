import {
  setImmediate as nextTurn,
  setTimeout as sleep,
} from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import { isOutage } from '../runtime/is-outage.js';
import type { KyuLog } from '../runtime/kyu-log.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import type { ClaimedJob } from '../store/job-store.js';
import { isNotDone } from '../store/postgres-errors.js';
import type { Run } from '../store/settlement.js';
import { Claimer } from './claimer.js';
import { GiveBack } from './give-back.js';
import { Heartbeat } from './heartbeat.js';
import { JobExecutor } from './job-executor.js';
import { Prefetch } from './prefetch.js';

/** How long a pop waits for the first id before the loop looks around again. */
const IDLE_WAIT_MS = 2_000;
/** Between tries to claim while Postgres does not answer: doubled from the first to the last, with jitter. */
const CLAIM_RETRY_MS = { first: 100, last: 2_000 };
/** A worker without handlers, or without a lease, asks for nothing; it looks this often whether that has changed. */
const NOTHING_TO_CLAIM_WAIT_MS = 250;
/** Outcomes that wait to be stored while no new job is claimed: a slow Postgres must not fill the memory. */
const MAX_UNSETTLED = 5_000;

/**
 * Jobs begun in one turn of the event loop. Handlers that return at once would run all that was claimed ahead in one: meanwhile no outcome leaves, no
 * answer comes in, and PostgreSQL and this process work by turns instead of both at once. Measured: a tenth more jobs a second than without.
 */
const MAX_BEGUN_PER_TURN = 64;

/** A job that was claimed ahead and has not begun after this long goes back: its place in the order is not here. */
const MAX_AHEAD_MS = 1_000;

/** Is responsible for keeping the slots of this process busy: one loop claims, as far ahead as the handlers are quick. */
@Injectable()
export class Dispatcher {
  private loop: Promise<void> | undefined;
  private stopping = new AbortController();
  private readonly ahead: ClaimedJob[] = [];
  /** Being claimed by their own enqueue. */
  private readonly taking = new Map<string, Promise<void>>();
  /** A job of its own took the last slot while a pop waited: what that brings is no more the best when the slot is free again. */
  private outdatedPop = false;
  private readonly prefetch = new Prefetch();
  private busySlots = 0;
  private begunThisTurn = 0;
  /** Runs whose outcome is not stored. */
  private unfinished = 0;
  private allFinished: () => void = () => undefined;
  private wake: () => void = () => undefined;

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly claimer: Claimer,
    private readonly executor: JobExecutor,
    private readonly giveBack: GiveBack,
    private readonly handlers: HandlerRegistry,
    private readonly heartbeat: Heartbeat,
    @Inject(KyuLogger) private readonly logger: KyuLog,
  ) {}

  start(): void {
    this.stopping = new AbortController();
    this.loop = this.work(this.stopping.signal);
  }

  get started(): boolean {
    return this.loop !== undefined;
  }

  /** Slots in which no job runs. */
  get freeSlots(): number {
    return this.config.workers - this.busySlots;
  }

  /** Nothing is claimed or begun from now on, and what was claimed ahead goes back. Running jobs go on. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake();
    await this.loop;
    this.loop = undefined;
    await this.giveBack.claimed(this.ahead.splice(0)); // now, whatever an insert waits for
    await Promise.all(this.taking.values());
    await this.giveBack.claimed(this.ahead.splice(0));
    await this.lookForStrays();
  }

  /** Once more, as nobody looks when this worker is gone: then each is rescued, with a crash on its record. Never rejects. */
  async lookForStrays(): Promise<void> {
    if (!this.giveBack.strays.expected) return;
    await this.releaseStrays().catch((error: unknown) =>
      this.tell(error, 'Could not look for jobs of a claim that got no answer'),
    );
  }

  private tell(error: unknown, what: string): void {
    this.logger.failed('error', 'claims', error, () => what);
  }

  /** Resolves when no job runs any more and all outcomes are stored. */
  drained(): Promise<void> {
    if (this.unfinished === 0) return Promise.resolve();
    const others = this.allFinished;
    return new Promise((resolve) => {
      this.allFinished = () => {
        others();
        resolve();
      };
    });
  }

  /**
   * Claims a job that is enqueued here, if this process waits for one and nothing else is to do. It begins after whoever enqueued it has heard that it is stored.
   */
  takeIfIdle(
    id: string,
    claim: () => Promise<ClaimedJob>,
  ): Promise<ClaimedJob> | undefined {
    if (!this.hasNothingToDo) return undefined;
    const taken = claim();
    this.taking.set(id, this.begin(id, taken));
    if (this.room() <= 0) this.outdatedPop = true;
    return taken;
  }

  /** Never rejects: whoever enqueued it is told. */
  private async begin(id: string, taken: Promise<ClaimedJob>): Promise<void> {
    const job = await taken.catch((error: unknown) => {
      if (!isNotDone(error)) this.giveBack.strays.expect();
    });
    await nextTurn(); // its caller hears first
    this.taking.delete(id);
    if (job) {
      this.ahead.push(job);
      this.claimer.announce([job]);
      this.fillSlots();
    }
    this.wake(); // with this as its only slot, the loop waits for it
  }

  private get hasNothingToDo(): boolean {
    return (
      this.claimer.waiting &&
      this.busySlots + this.ahead.length + this.taking.size === 0 &&
      !this.heartbeat.fenced &&
      !this.stopping.signal.aborted &&
      !this.giveBack.strays.expected
    );
  }

  /** Gives back those of the jobs that were claimed ahead: they were cancelled, and going back is their end. */
  async cancelAhead(requests: readonly Run[]): Promise<void> {
    const ids = new Set(requests.map(({ id }) => id));
    const cancelled = this.ahead.filter(({ id }) => ids.has(id));
    for (const job of cancelled) this.ahead.splice(this.ahead.indexOf(job), 1);
    await this.giveBack.claimed(cancelled);
  }

  private async work(signal: AbortSignal): Promise<void> {
    let idle = false; // there may be something already
    let retryMs = CLAIM_RETRY_MS.first;
    while (!signal.aborted) {
      await this.giveBack.claimed(this.hoarded());
      if (signal.aborted) return; // a stop that came meanwhile wakes nobody
      if (this.wanted() === 0) {
        // Handlers that take minutes must not keep from others what is nobody's.
        if (this.giveBack.strays.lookIsDue) {
          await this.releaseStrays().catch(() => this.giveBack.strays.expect());
          continue; // a slot may have been freed meanwhile
        }
        await this.slotFreed();
        continue;
      }
      if (this.handlers.jobTypes.length === 0 || this.heartbeat.fenced) {
        await pause(NOTHING_TO_CLAIM_WAIT_MS, signal);
        continue;
      }
      try {
        if (this.giveBack.strays.lookIsDue) await this.releaseStrays();
        this.outdatedPop = false;
        const jobs = await this.claimer.claimNext(
          () => (this.outdatedPop ? 0 : this.room()),
          idle ? (this.ahead.length > 0 ? MAX_AHEAD_MS : IDLE_WAIT_MS) : 0,
          signal,
        );
        // Without room it has seen nothing of what waits.
        idle = jobs.length === 0 && this.room() > 0 && !this.outdatedPop;
        retryMs = CLAIM_RETRY_MS.first;
        this.ahead.push(...jobs);
        this.fillSlots();
      } catch (error) {
        this.giveBack.strays.expect();
        if (isOutage(error)) this.claimer.noteOutage();
        this.tell(error, 'Claiming jobs failed, trying again');
        await pause(retryMs * (0.5 + Math.random() / 2), signal);
        retryMs = Math.min(retryMs * 2, CLAIM_RETRY_MS.last);
      }
    }
  }

  private releaseStrays(): Promise<void> {
    return this.giveBack.unknown([
      ...this.ahead.map(({ id }) => id),
      ...this.taking.keys(),
    ]);
  }

  /** How many jobs to claim now. Not one for each slot that frees: with something ahead, a statement waits until it is worth it. */
  private wanted(): number {
    if (this.executor.running - this.busySlots > MAX_UNSETTLED) return 0;
    const room = this.room();
    const ahead = this.prefetch.ahead(this.config.workers);
    return this.ahead.length > 0 && room < ahead / 2 ? 0 : Math.max(0, room);
  }

  /** For so many more jobs there are slots, or soon will be. */
  private room(): number {
    const { workers } = this.config;
    return (
      workers +
      this.prefetch.ahead(workers) -
      this.busySlots -
      this.ahead.length -
      this.taking.size
    );
  }

  private fillSlots(): void {
    while (
      this.begunThisTurn < MAX_BEGUN_PER_TURN &&
      this.busySlots < this.config.workers &&
      this.ahead.length > 0 &&
      !this.heartbeat.fenced &&
      !this.stopping.signal.aborted
    )
      this.launch(this.ahead.shift()!);
  }

  private launch(job: ClaimedJob): void {
    this.busySlots++;
    if (this.begunThisTurn++ === 0)
      setImmediate(() => {
        this.begunThisTurn = 0;
        this.fillSlots();
      });
    this.unfinished++;
    const run = this.executor.execute(job, (handlerMs) => {
      this.busySlots--;
      if (handlerMs !== undefined) this.prefetch.observe(handlerMs);
      this.fillSlots();
      this.wakeIfWanted();
    });
    // It never rejects.
    void run.then(() => {
      if (--this.unfinished === 0) this.allFinished();
      this.wakeIfWanted();
    });
  }

  /** The loop has a timer to make and a clock to read: not for every job. */
  private wakeIfWanted(): void {
    if (this.wanted() > 0) this.wake();
  }

  /** What waits here for a slot although others could run it: handlers turned out slower than those before them. */
  private hoarded(): ClaimedJob[] {
    const now = performance.now();
    const oldest = this.ahead[0]?.claimedAt ?? now;
    if (now - oldest <= MAX_AHEAD_MS && !this.heartbeat.fenced) return [];
    this.prefetch.forget();
    return this.ahead.splice(0);
  }

  /** Resolves when a slot is free; or, with jobs claimed ahead, when they have waited long enough. */
  private slotFreed(): Promise<void> {
    return new Promise((resolve) => {
      const timer =
        this.ahead.length > 0 || this.giveBack.strays.expected
          ? setTimeout(resolve, MAX_AHEAD_MS)
          : undefined;
      this.wake = () => {
        this.wake = () => undefined; // the next thousand jobs need not wake it again
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
