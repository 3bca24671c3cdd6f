import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, type LoggerService } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { Claimer } from './claimer.js';
import { Heartbeat } from './heartbeat.js';
import { JobExecutor, type RunEnd } from './job-executor.js';

/** How long a pop waits for the first id before the loop looks around again. */
const IDLE_WAIT_MS = 2_000;
/** Between tries to claim while Postgres does not answer: doubled from the first to the last, with jitter. */
const CLAIM_RETRY_MS = { first: 100, last: 2_000 };
/** A worker without handlers, or without a lease, asks for nothing; it looks this often whether that has changed. */
const NOTHING_TO_CLAIM_WAIT_MS = 250;

/** Is responsible for keeping the slots of this process busy: one loop that pops and claims as many jobs as slots are free. */
@Injectable()
export class Dispatcher {
  private loop: Promise<void> | undefined;
  private stopping = new AbortController();
  private readonly running = new Set<Promise<RunEnd>>();
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

  /** No new claims from now on. Resolves when the loop has ended; running jobs go on. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake();
    await this.loop;
    this.loop = undefined;
  }

  /** Resolves when no job runs any more, or after `timeoutMs`; says which. */
  async drained(timeoutMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<false>((resolve) => {
      timer = setTimeout(resolve, timeoutMs, false);
    });
    const empty = Promise.all(this.running).then(() => true as const);
    return Promise.race([empty, timeout]).finally(() => clearTimeout(timer));
  }

  private async work(signal: AbortSignal): Promise<void> {
    let idle = true;
    let retryMs = CLAIM_RETRY_MS.first;
    while (!signal.aborted) {
      const free = this.config.workers - this.running.size;
      if (free === 0) {
        await this.slotFreed();
        continue;
      }
      if (this.handlers.jobTypes.length === 0 || this.heartbeat.fenced) {
        await pause(NOTHING_TO_CLAIM_WAIT_MS, signal);
        continue;
      }
      try {
        const jobs = await this.claimer.claimNext(
          free,
          idle ? IDLE_WAIT_MS : 0,
          signal,
        );
        idle = jobs.length === 0;
        retryMs = CLAIM_RETRY_MS.first;
        for (const job of jobs) this.launch(this.executor.execute(job));
      } catch (error) {
        this.logger.error(
          `Claiming jobs failed, trying again: ${(error as Error).message}`,
        );
        await pause(retryMs * (0.5 + Math.random() / 2), signal);
        retryMs = Math.min(retryMs * 2, CLAIM_RETRY_MS.last);
      }
    }
  }

  private launch(run: Promise<RunEnd>): void {
    this.running.add(run);
    void run.finally(() => {
      this.running.delete(run);
      this.wake();
    });
  }

  private slotFreed(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
