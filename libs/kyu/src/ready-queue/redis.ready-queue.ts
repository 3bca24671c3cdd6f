import type { LoggerService } from '@nestjs/common';
import type { KyuRedisOptions } from '../config/kyu.options.js';
import { PostgresReadyQueue } from './postgres.ready-queue.js';
import { ReadyQueue, type Popped, type ReadyJob } from './ready-queue.js';
import { describeRedis, newRedis, type KyuRedis } from './redis-connection.js';
import { redisKeys, type RedisKeys } from './redis-keys.js';

/** A backlog of a hundred million jobs costs Redis what this many ids cost: about 1.5 MB. */
const READY_WINDOW = 10_000;
/** Refill when half is gone: the other half lasts until the refill is there. */
const LOW_WATER = READY_WINDOW / 2;
/** A server that is there answers within this; one that is not must not hold up the boot. */
const BOOT_WAIT_MS = 500;

/**
 * Is responsible for the head of the queue in Redis: a sorted set of ids, at most {@link READY_WINDOW} of them. While Redis
 * cannot be reached, workers are sent to Postgres.
 */
export class RedisReadyQueue extends ReadyQueue {
  readonly window = READY_WINDOW;
  private readonly keys: RedisKeys;
  /** Two connections: a pop that waits blocks its own. */
  private readonly commands: KyuRedis;
  private readonly blocking: KyuRedis;
  private readonly withoutRedis = new PostgresReadyQueue();
  private readonly where: string;
  private down = false;
  private closed = false;

  constructor(
    options: KyuRedisOptions,
    queueName: string,
    private readonly logger: LoggerService,
  ) {
    super();
    this.keys = redisKeys(queueName);
    this.where = describeRedis(options);
    this.commands = newRedis(options);
    this.blocking = newRedis(options);
    // Without a listener ioredis prints each failed attempt; what matters is said once an outage, below.
    this.blocking.on('error', () => undefined);
    this.commands.on('error', (error: Error) => this.outage(error));
    this.commands.on('close', () => this.outage());
    this.commands.on('ready', () => this.recovery());
  }

  async open(): Promise<void> {
    const connected = Promise.all([
      this.commands.connect(),
      this.blocking.connect(),
    ]).catch(() => undefined); // the reconnects go on; outage() has said it
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => {
      timer = setTimeout(resolve, BOOT_WAIT_MS);
    });
    await Promise.race([connected, patience]);
    clearTimeout(timer);
  }

  async stage(jobs: readonly ReadyJob[]): Promise<void> {
    // A worker of this process that was sent to Postgres should look now.
    if (!this.reachable) await this.withoutRedis.stage(jobs);
    await this.commands.kyuStage(
      this.keys.ready,
      this.keys.clipped,
      READY_WINDOW,
      ...scoresAndIds(jobs),
    );
  }

  async refill(jobs: readonly ReadyJob[], complete: boolean): Promise<boolean> {
    if (!this.reachable) return false;
    const again = await this.commands.kyuRefill(
      this.keys.ready,
      this.keys.clipped,
      READY_WINDOW,
      complete ? 1 : 0,
      ...scoresAndIds(jobs),
    );
    return again === 1;
  }

  async pop(
    count: number,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<Popped> {
    if (!this.reachable) return this.withoutRedis.pop(count, waitMs, signal);
    try {
      const [low, ...popped] = await this.commands.kyuPop(
        this.keys.ready,
        this.keys.clipped,
        count,
        LOW_WATER,
      );
      if (low === 1) this.onLow();
      return popped.length > 0 || waitMs === 0
        ? readyJobs(popped)
        : await this.wait(waitMs, signal);
    } catch {
      if (this.closed || signal?.aborted) return [];
      return this.withoutRedis.pop(count, waitMs, signal);
    }
  }

  /**
   * Waits for the first id. BZPOPMIN and not BZMPOP: every server since 5.0 has it, and the wait ends with one id anyway,
   * for the first ZADD wakes it; the next pop takes the rest.
   */
  private async wait(waitMs: number, signal?: AbortSignal): Promise<Popped> {
    if (signal?.aborted) return [];
    // An id that is popped at this very moment is lost to Redis; the refill after a stop brings it back.
    const hangUp = (): void => this.blocking.disconnect();
    signal?.addEventListener('abort', hangUp);
    try {
      if (this.blocking.status === 'end') await this.blocking.connect(); // hung up at an earlier stop
      const popped = await this.blocking.bzpopmin(
        this.keys.ready,
        waitMs / 1000,
      );
      return popped ? readyJobs(popped.slice(1)) : [];
    } finally {
      signal?.removeEventListener('abort', hangUp);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.withoutRedis.close();
    this.blocking.disconnect();
    this.commands.disconnect();
  }

  private get reachable(): boolean {
    return this.commands.status === 'ready';
  }

  private outage(error?: Error): void {
    if (this.down || this.closed) return;
    this.down = true;
    this.logger.warn(
      `Redis at ${this.where} cannot be reached${error ? ` (${error.message})` : ''}; jobs are safe in PostgreSQL and are claimed from there until it is back.`,
    );
  }

  private recovery(): void {
    if (!this.down) return;
    this.down = false;
    this.logger.log(`Redis at ${this.where} is back.`);
    this.onLow(); // it may have come back empty
  }
}

const readyJobs = (idsAndScores: readonly string[]): ReadyJob[] =>
  Array.from({ length: idsAndScores.length / 2 }, (_, i) => ({
    id: idsAndScores[2 * i]!,
    priority: 0 - Number(idsAndScores[2 * i + 1]),
  }));

const scoresAndIds = (jobs: readonly ReadyJob[]): (string | number)[] =>
  jobs.flatMap(({ id, priority }) => [-priority, id]);
