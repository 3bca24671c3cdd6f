import { Inject, Injectable, type LoggerService } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import { InvalidOptionsError } from '../errors/kyu.errors.js';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import { WorkerWatch } from '../queue/worker-watch.js';
import { ReadyQueue } from '../ready-queue/ready-queue.js';
import { messageOf } from '../runtime/describe-error.js';
import { parseDuration } from '../runtime/duration.js';
import { isOutage } from '../runtime/is-outage.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { showValue } from '../runtime/show-value.js';
import { HealthReader, type QueueHealth } from '../store/health-reader.js';
import type { KyuHealthLimits, KyuHealthReport } from './health-report.js';
import { judgeHealth, OVERDUE_MS, workerState } from './judge-health.js';

/**
 * Whether the queue, and this process in it, is well. That of the default registration; `@InjectKyuHealth('billing')` is that of another.
 *
 * @publicApi
 */
@Injectable()
export class KyuHealth {
  /** The look under way: however many probes come, Postgres has one of them to answer. */
  private looking: Promise<QueueHealth | undefined> | undefined;
  /**
   * Why PostgreSQL could not be looked at, for the log: it may hold host names, which are not for
   * everyone who asks. Undefined when it did not answer: of that tell the two lines of an outage.
   */
  private cause: string | undefined;
  private told = '';

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly reader: HealthReader,
    private readonly readyQueue: ReadyQueue,
    private readonly handlers: HandlerRegistry,
    private readonly worker: WorkerWatch,
    @Inject(KyuLogger) private readonly logger: LoggerService,
  ) {}

  /**
   * Looks at PostgreSQL, Redis and this worker. `live` answers a liveness probe, `ready` a readiness probe; `warnings` are for people. Never rejects for what it finds, and takes no longer than its timeout. What is wrong is logged once, when it changes.
   *
   * @throws {InvalidOptionsError} for limits that are none.
   */
  async check(limits: KyuHealthLimits = {}): Promise<KyuHealthReport> {
    const maxWaitingMs = duration('maxWaiting', limits.maxWaiting);
    const timeoutMs = duration('timeout', limits.timeout ?? '2s')!;
    const startedAt = performance.now();
    const [store, redis] = await Promise.all([
      within(timeoutMs, this.look(), undefined),
      within(timeoutMs, this.readyQueue.check(), 'down' as const),
    ]);
    const worker = this.worker.pulse;
    const report = judgeHealth({
      queue: this.config.queueName,
      store,
      redis,
      redisWarnings: this.readyQueue.warnings,
      worker,
      maxWaitingMs,
      claimable:
        workerState({ store, worker }) === 'stuck' &&
        (await within(
          timeoutMs - (performance.now() - startedAt),
          this.isClaimable(),
          false,
        )),
    });
    this.tell(report);
    return report;
  }

  private look(): Promise<QueueHealth | undefined> {
    if (this.looking) return this.looking;
    this.cause = undefined;
    this.looking = this.reader
      .look(this.config.queueName, {
        heartbeatTimeoutMs: this.config.heartbeatTimeoutMs,
        jobTypes: this.handlers.jobTypes,
        overdueMs: OVERDUE_MS,
      })
      .catch((error: unknown) => {
        if (!isOutage(error)) this.cause = messageOf(error);
        return undefined;
      })
      .finally(() => {
        this.looking = undefined;
      });
    return this.looking;
  }

  /** A due job whose row another session holds is nothing that a restart of this process heals. */
  private isClaimable(): Promise<boolean> {
    const { jobTypes } = this.handlers;
    return this.reader
      .isClaimable(this.config.queueName, { jobTypes, overdueMs: OVERDUE_MS })
      .catch(() => false);
  }

  private tell({
    status,
    problems,
    warnings,
    postgres,
  }: KyuHealthReport): void {
    if (postgres === 'down' && this.cause === undefined) return;
    const what = [...problems, ...warnings].join(' ');
    const cause = postgres === 'down' ? ` ${this.cause!}` : '';
    // Without its ids and numbers, which change with each check.
    const kind = what.replace(/[0-9a-f]{8}-[0-9a-f-]{27}|\d+/g, '');
    if (kind === this.told) return;
    this.told = kind;
    if (status === 'up') this.logger.log('Health: up again.');
    else this.logger.warn(`Health: ${status}. ${what}${cause}`);
  }
}

/** @throws {InvalidOptionsError} */
function duration(
  name: string,
  value: number | string | undefined,
): number | undefined {
  const ms = value === undefined ? undefined : parseDuration(value);
  if (value !== undefined && ms === undefined)
    throw new InvalidOptionsError([
      `expected "${name}" of the health check to be milliseconds or a duration such as '10s', got: ${showValue(value)}`,
    ]);
  return ms;
}

/** What `work` resolves to, or `otherwise` when it takes too long. */
async function within<T>(
  ms: number,
  work: Promise<T>,
  otherwise: T,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<T>((resolve) => {
    timer = setTimeout(resolve, ms, otherwise);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
