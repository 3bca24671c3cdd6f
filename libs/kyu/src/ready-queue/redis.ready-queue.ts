import { setTimeout as sleep } from 'node:timers/promises';
import type { LoggerService } from '@nestjs/common';
import type { KyuRedisOptions } from '../config/kyu.options.js';
import { BlockingPop } from './blocking-pop.js';
import { PostgresReadyQueue } from './postgres.ready-queue.js';
import { isJob, readyJobs, scoresAndIds } from './ready-jobs.js';
import { ReadyQueue, type Popped, type ReadyJob } from './ready-queue.js';
import { RedisCommands } from './redis-commands.js';
import { clusterPrefix, describeRedis } from './redis-connection.js';
import { redisKeys } from './redis-keys.js';

/** A backlog of a hundred million jobs costs Redis what this many ids cost: about 1.5 MB. */
const READY_WINDOW = 10_000;
/** Refill when fewer are left: they last until the refill is there, which takes some tens of milliseconds. Sooner would bring most of them again. */
const LOW_WATER = 3_000;
/** A server that is there answers within this; one that is not must not hold up the boot. */
const BOOT_WAIT_MS = 500;
/** Redis answers in under a millisecond. One that has not after this is as good as gone, and nobody should wait for it twice. */
const COMMAND_TIMEOUT_MS = 250;
/** A worker that cannot wait for an id asks for one this often. */
const POLL_MS = 50;

/**
 * Is responsible for the head of the queue in Redis: a sorted set of ids, at most {@link READY_WINDOW} of them. While Redis
 * fails, whatever the way (gone, slow, full, somebody else's key), workers are sent to Postgres.
 */
export class RedisReadyQueue extends ReadyQueue {
  readonly room = READY_WINDOW - LOW_WATER;
  /** Two connections: a pop that waits blocks its own. */
  private readonly commands: RedisCommands;
  private readonly blocking: BlockingPop;
  private readonly withoutRedis = new PostgresReadyQueue();
  private closed = false;

  /**
   * @param commandTimeoutMs a command that has no answer by then has failed.
   * @param readMark what marks the key as that of these tables; undefined for no mark.
   */
  constructor(
    options: KyuRedisOptions,
    queueName: string,
    logger: LoggerService,
    commandTimeoutMs = COMMAND_TIMEOUT_MS,
    readMark: () => Promise<string | undefined> = async () => undefined,
  ) {
    super();
    const keys = redisKeys(queueName, clusterPrefix(options));
    this.commands = new RedisCommands(
      options,
      keys,
      READY_WINDOW,
      commandTimeoutMs,
      logger,
      {
        back: () => this.onBack(),
        lost: () => this.blocking.hangUp(),
        reconnected: () => this.blocking.renew(),
      },
      readMark,
    );
    const where = describeRedis(options);
    this.blocking = new BlockingPop(
      options,
      keys.ready,
      commandTimeoutMs * 4,
      (failing, cause) =>
        failing
          ? logger.warn(
              `Waiting for jobs in Redis at ${where} fails (BZPOPMIN: ${cause?.message}); Kyu asks for them every ${POLL_MS} ms instead. What a user of Redis must be allowed to do is in the guide "Redis".`,
            )
          : logger.log(`Waiting for jobs in Redis at ${where} works again.`),
    );
  }

  /** Nothing is put into a key that belongs to other tables. */
  get window(): number {
    return this.commands.isForeign ? 0 : READY_WINDOW;
  }

  async open(): Promise<void> {
    const connected = Promise.all([
      this.commands.connect(),
      this.blocking.connect(),
    ]).catch(() => undefined); // the reconnects go on, and the outage has been logged
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => {
      timer = setTimeout(resolve, BOOT_WAIT_MS);
    });
    await Promise.race([connected, patience]);
    clearTimeout(timer);
  }

  async stage(jobs: readonly ReadyJob[]): Promise<void> {
    try {
      await this.commands.write((redis, ...head) =>
        redis.kyuStage(...head, READY_WINDOW, ...scoresAndIds(jobs)),
      );
    } catch (error) {
      // A worker of this process that is sent to Postgres should look now.
      await this.withoutRedis.stage(jobs);
      throw error;
    }
  }

  /** What was popped is untrusted: an infinite score, which comes back as none, would have Redis refuse all of them; a comma would make two ids of one. */
  override putBack(jobs: readonly ReadyJob[]): Promise<void> {
    return super.putBack(jobs.filter(isJob));
  }

  async refill(jobs: readonly ReadyJob[], complete: boolean): Promise<boolean> {
    if (!this.commands.usable) return false;
    const again = await this.commands.write((redis, ...head) =>
      redis.kyuRefill(
        ...head,
        READY_WINDOW,
        complete ? 1 : 0,
        ...scoresAndIds(jobs),
      ),
    );
    return again === 1;
  }

  async pop(
    count: number,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<Popped> {
    if (!this.commands.readable)
      return this.withoutRedis.pop(count, waitMs, signal);
    try {
      const popped = await this.popNow(count);
      return popped.length > 0 || waitMs === 0
        ? popped
        : await this.wait(count, waitMs, signal);
    } catch {
      if (this.closed || signal?.aborted) return [];
      return this.withoutRedis.pop(count, waitMs, signal);
    }
  }

  override async check(): Promise<'up' | 'down'> {
    await this.commands.ping().catch(() => undefined);
    return this.commands.up ? 'up' : 'down';
  }

  override get warnings(): readonly string[] {
    return [
      ...(this.commands.isForeign
        ? [
            'The key of this queue in Redis belongs to other tables; jobs are claimed from PostgreSQL. Set another queueName.',
          ]
        : []),
      ...(this.blocking.failing
        ? [
            `Redis does not let this worker wait for jobs; it asks for them every ${POLL_MS} ms.`,
          ]
        : []),
    ];
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.withoutRedis.close();
    this.blocking.close();
    this.commands.close();
  }

  private async popNow(count: number): Promise<ReadyJob[]> {
    const [low, tailId, tailScore, ...popped] = await this.commands.read(
      (redis, ...head) => redis.kyuPop(...head, count, LOW_WATER),
    );
    if (low === 1) this.onLow(readyJobs([tailId, tailScore]).find(isJob));
    return readyJobs(popped);
  }

  /** @throws when all of Redis fails. */
  private async wait(
    count: number,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<ReadyJob[]> {
    const until = performance.now() + waitMs;
    if (this.blocking.usable)
      try {
        return await this.blocking.pop(waitMs, signal);
      } catch (error) {
        const hungUp = this.closed || signal?.aborted;
        if (hungUp || !this.commands.readable) throw error;
        this.blocking.failed(error as Error);
      }
    while (!signal?.aborted && !this.closed && performance.now() < until) {
      await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
      const popped = signal?.aborted ? [] : await this.popNow(count);
      if (popped.length > 0) return popped;
    }
    return [];
  }
}
