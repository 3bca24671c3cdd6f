import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, type LoggerService } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import type { ClaimedJob } from '../store/job-store.js';
import { Claimer } from './claimer.js';
import { Heartbeat } from './heartbeat.js';
import { JobExecutor, type RunEnd } from './job-executor.js';
import { Prefetch } from './prefetch.js';

/** How long a pop waits for the first id before the loop looks around again. */
const IDLE_WAIT_MS = 2_000;
/** Between tries to claim while Postgres does not answer: doubled from the first to the last, with jitter. */
const CLAIM_RETRY_MS = { first: 100, last: 2_000 };
/** A worker without handlers, or without a lease, asks for nothing; it looks this often whether that has changed. */
const NOTHING_TO_CLAIM_WAIT_MS = 250;
/** Outcomes that wait to be stored while no new job is claimed: a slow Postgres must not fill the memory. */
const MAX_UNSETTLED = 5_000;

/** A job that was claimed ahead and has not begun after this long goes back: its place in the order is not here. */
const MAX_AHEAD_MS = 1_000;

/** A job of ours that waits for a slot. */
interface Ahead {
  job: ClaimedJob;
  /** Monotonic ms, from before the claim was sent: the lease is at least this young. */
  claimedAt: number;
}

/** Is responsible for keeping the slots of this process busy: one loop claims, as far ahead as the handlers are quick. */
@Injectable()
export class Dispatcher {
  private loop: Promise<void> | undefined;
  private stopping = new AbortController();
  private readonly ahead: Ahead[] = [];
  private readonly prefetch = new Prefetch();
  private busySlots = 0;
  private readonly unfinished = new Set<Promise<RunEnd>>();
  private wake: () => void = () => undefined;

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly claimer: Claimer,
    private readonly executor: JobExecutor,
    private readonly handlers: HandlerRegistry,
    private readonly heartbeat: Heartbeat,
    @Inject(KyuLogger) private readonly logger: LoggerService,
  ) {}

  start(): void {
    this.stopping = new AbortController();
    this.loop = this.work(this.stopping.signal);
  }

  get started(): boolean {
    return this.loop !== undefined;
  }

  /** Nothing is claimed or begun from now on, and what was claimed ahead goes back. Running jobs go on. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake();
    await this.loop;
    this.loop = undefined;
    await this.giveBack(this.ahead.splice(0));
  }

  /** Resolves when no job runs any more and all outcomes are stored, or after `timeoutMs`; says which. */
  async drained(timeoutMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<false>((resolve) => {
      timer = setTimeout(resolve, timeoutMs, false);
    });
    const empty = Promise.all(this.unfinished).then(() => true as const);
    return Promise.race([empty, timeout]).finally(() => clearTimeout(timer));
  }

  private async work(signal: AbortSignal): Promise<void> {
    let idle = true;
    let retryMs = CLAIM_RETRY_MS.first;
    while (!signal.aborted) {
      await this.giveBack(this.hoarded());
      const wanted = this.wanted();
      if (wanted === 0) {
        await this.slotFreed();
        continue;
      }
      if (this.handlers.jobTypes.length === 0 || this.heartbeat.fenced) {
        await pause(NOTHING_TO_CLAIM_WAIT_MS, signal);
        continue;
      }
      try {
        const claimedAt = performance.now();
        const jobs = await this.claimer.claimNext(
          wanted,
          idle ? (this.ahead.length > 0 ? MAX_AHEAD_MS : IDLE_WAIT_MS) : 0,
          signal,
        );
        idle = jobs.length === 0;
        retryMs = CLAIM_RETRY_MS.first;
        for (const job of jobs) this.ahead.push({ job, claimedAt });
        this.fillSlots();
      } catch (error) {
        this.logger.error(
          `Claiming jobs failed, trying again: ${(error as Error).message}`,
        );
        await pause(retryMs * (0.5 + Math.random() / 2), signal);
        retryMs = Math.min(retryMs * 2, CLAIM_RETRY_MS.last);
      }
    }
  }

  /** How many jobs to claim now. Not one for each slot that frees: with something ahead, a statement waits until it is worth it. */
  private wanted(): number {
    const { workers } = this.config;
    const running = this.executor.running;
    if (running - this.busySlots > MAX_UNSETTLED) return 0;
    const ahead = this.prefetch.ahead(workers);
    const wanted = workers - this.busySlots + ahead - this.ahead.length;
    return this.ahead.length > 0 && wanted < ahead / 2
      ? 0
      : Math.max(0, wanted);
  }

  private fillSlots(): void {
    const tooOld: Ahead[] = [];
    while (
      this.busySlots < this.config.workers &&
      this.ahead.length > 0 &&
      !this.stopping.signal.aborted
    ) {
      const next = this.ahead.shift()!;
      const now = performance.now();
      // The process was stopped or hung meanwhile: somebody else may own the job by now.
      if (now - next.claimedAt > this.heartbeat.safeMs) tooOld.push(next);
      else this.launch(next.job, now);
    }
    if (tooOld.length > 0) void this.giveBack(tooOld);
  }

  private launch(job: ClaimedJob, startedAt: number): void {
    this.busySlots++;
    const run = this.executor.execute(job, () => {
      this.busySlots--;
      this.prefetch.observe(performance.now() - startedAt);
      this.fillSlots();
      this.wake();
    });
    this.unfinished.add(run);
    void run.finally(() => {
      this.unfinished.delete(run);
      this.wake();
    });
  }

  private async giveBack(claimed: readonly Ahead[]): Promise<void> {
    if (claimed.length === 0) return;
    try {
      await this.executor.release(claimed.map(({ job }) => job));
    } catch (error) {
      this.logger.warn(
        `${claimed.length} claimed job(s) could not be given back (${(error as Error).message}); other workers will take them when this one's heartbeat is too old.`,
      );
    }
  }

  /** What waits here for a slot although others could run it: handlers turned out slower than those before them. */
  private hoarded(): Ahead[] {
    const now = performance.now();
    const oldest = this.ahead[0]?.claimedAt ?? now;
    if (now - oldest <= MAX_AHEAD_MS) return [];
    this.prefetch.forget();
    return this.ahead.splice(0);
  }

  /** Resolves when a slot is free; or, with jobs claimed ahead, when they have waited long enough. */
  private slotFreed(): Promise<void> {
    return new Promise((resolve) => {
      const timer =
        this.ahead.length > 0 ? setTimeout(resolve, MAX_AHEAD_MS) : undefined;
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
