import type { LoggerService } from '@nestjs/common';
import type { KyuRedisOptions } from '../config/kyu.options.js';
import { CircuitBreaker } from '../runtime/circuit-breaker.js';
import { MAX_INTEGER } from '../job/new-job.js';
import { isUuid } from '../runtime/uuid-v7.js';
import { PostgresReadyQueue } from './postgres.ready-queue.js';
import { ReadyQueue, type Popped, type ReadyJob } from './ready-queue.js';
import {
  COMMAND_TIMEOUT_MS,
  describeRedis,
  newRedis,
  type KyuRedis,
} from './redis-connection.js';
import { redisKeys, type RedisKeys } from './redis-keys.js';

/** A backlog of a hundred million jobs costs Redis what this many ids cost: about 1.5 MB. */
const READY_WINDOW = 10_000;
/** Refill when fewer are left: they last until the refill is there, which takes some tens of milliseconds. Sooner would bring most of them again. */
const LOW_WATER = 3_000;
/** A server that is there answers within this; one that is not must not hold up the boot. */
const BOOT_WAIT_MS = 500;
/** While Redis fails it is left alone for this long, doubled up to the last: no longer than a return may go unnoticed. */
const BREAK_MS = { firstMs: 250, lastMs: 2_000 };

/**
 * Is responsible for the head of the queue in Redis: a sorted set of ids, at most {@link READY_WINDOW} of them. While Redis
 * fails, whatever the way (gone, slow, full, somebody else's key), workers are sent to Postgres.
 */
export class RedisReadyQueue extends ReadyQueue {
  readonly window = READY_WINDOW;
  readonly room = READY_WINDOW - LOW_WATER;
  private readonly keys: RedisKeys;
  /** Two connections: a pop that waits blocks its own. */
  private readonly commands: KyuRedis;
  private readonly blocking: KyuRedis;
  private readonly withoutRedis = new PostgresReadyQueue();
  private readonly breaker: CircuitBreaker;
  private closed = false;
  /** The last attempt to put ids in failed: too few may be in it, whatever a pop says. */
  private refusesWrites = false;
  /** Ends the wait under way, if there is one. */
  private hangUp: () => void = () => undefined;

  /** @param commandTimeoutMs a command that has no answer by then has failed. */
  constructor(
    options: KyuRedisOptions,
    queueName: string,
    private readonly logger: LoggerService,
    private readonly commandTimeoutMs = COMMAND_TIMEOUT_MS,
  ) {
    super();
    const where = describeRedis(options);
    this.breaker = new CircuitBreaker(BREAK_MS, (open, cause) =>
      this.tell(where, open, cause),
    );
    this.keys = redisKeys(queueName);
    this.commands = newRedis(options, { commandTimeout: commandTimeoutMs });
    this.blocking = newRedis(options);
    // Without a listener ioredis prints each failed attempt; the breaker says it once an outage.
    this.blocking.on('error', () => undefined);
    this.commands.on('error', (error: Error) => this.breaker.failed(error));
    this.commands.on('ready', () => void this.greet());
  }

  async open(): Promise<void> {
    const connected = Promise.all([
      this.commands.connect(),
      this.blocking.connect(),
    ]).catch(() => undefined); // the reconnects go on, and the breaker has said it
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => {
      timer = setTimeout(resolve, BOOT_WAIT_MS);
    });
    await Promise.race([connected, patience]);
    clearTimeout(timer);
  }

  async stage(jobs: readonly ReadyJob[]): Promise<void> {
    try {
      await this.write(() =>
        this.commands.kyuStage(
          this.keys.ready,
          this.keys.clipped,
          READY_WINDOW,
          ...scoresAndIds(jobs),
        ),
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
    if (!this.usable) return false;
    const again = await this.write(() =>
      this.commands.kyuRefill(
        this.keys.ready,
        this.keys.clipped,
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
    if (!this.readable) return this.withoutRedis.pop(count, waitMs, signal);
    try {
      const [low, tailId, tailScore, ...popped] = await this.guarded(() =>
        this.commands.kyuPop(
          this.keys.ready,
          this.keys.clipped,
          count,
          LOW_WATER,
        ),
      );
      if (low === 1) this.onLow(readyJobs([tailId, tailScore]).find(isJob));
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
    this.hangUp = hangUp;
    signal?.addEventListener('abort', hangUp);
    // A server that answers keeps its own timeout; one that does not is gone without a word.
    const deaf = setTimeout(hangUp, waitMs + this.commandTimeoutMs * 4);
    try {
      if (this.blocking.status === 'end') await this.blocking.connect(); // hung up earlier
      const popped = await this.blocking.bzpopmin(
        this.keys.ready,
        waitMs / 1000,
      );
      return popped ? readyJobs(popped.slice(1)) : [];
    } finally {
      clearTimeout(deaf);
      this.hangUp = () => undefined;
      signal?.removeEventListener('abort', hangUp);
    }
  }

  override async check(): Promise<'up' | 'down'> {
    await this.guarded(() => this.commands.ping()).catch(() => undefined);
    return this.readable ? 'up' : 'down';
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.withoutRedis.close();
    this.blocking.disconnect();
    this.commands.disconnect();
  }

  private get usable(): boolean {
    return this.commands.status === 'ready' && !this.breaker.isOpen;
  }

  /** A pop that succeeds says little of a server that takes no more ids: it is full, and its set runs empty. */
  private get readable(): boolean {
    return this.usable && !this.refusesWrites;
  }

  /**
   * Asks a server that takes connections whether it takes ids: one whose writes are paused answers all else, and would be back with each connection, to fail
   * again at once. If it says no, the next write is the next probe.
   */
  private async greet(): Promise<void> {
    try {
      const { ready, clipped } = this.keys;
      await this.commands.kyuStage(ready, clipped, READY_WINDOW); // no ids
      this.refusesWrites = false;
      this.breaker.succeeded();
    } catch (error) {
      this.refusesWrites = true;
      this.breaker.failed(error as Error);
    }
  }

  private async write<T>(command: () => Promise<T>): Promise<T> {
    try {
      const answer = await this.guarded(command);
      this.refusesWrites = false;
      this.breaker.succeeded();
      return answer;
    } catch (error) {
      this.refusesWrites = true;
      this.hangUp(); // a pop that waits for these ids would wait in vain
      throw error;
    }
  }

  private async guarded<T>(command: () => Promise<T>): Promise<T> {
    if (!this.usable) throw new Error('Redis cannot be used now');
    try {
      const answer = await command();
      if (!this.refusesWrites) this.breaker.succeeded();
      return answer;
    } catch (error) {
      this.breaker.failed(error as Error);
      // Silence may mean that the other end is gone without a word: only a new connection can tell.
      if (/timed out/.test((error as Error).message)) {
        this.refusesWrites = true; // until greeted
        this.commands.disconnect(true);
      }
      throw error;
    }
  }

  private tell(where: string, away: boolean, cause?: Error): void {
    if (this.closed) return;
    if (away)
      return this.logger.warn(
        `Redis at ${where} cannot be used (${cause?.message}); jobs are safe in PostgreSQL and are claimed from there until it can.`,
      );
    this.logger.log(`Redis at ${where} is back.`);
    this.onBack(); // maybe empty
  }
}

const readyJobs = (idsAndScores: readonly string[]): ReadyJob[] =>
  Array.from({ length: idsAndScores.length / 2 }, (_, i) => ({
    id: idsAndScores[2 * i]!,
    priority: 0 - Number(idsAndScores[2 * i + 1]),
  }));

/** What Kyu may have put in: an id, and a priority as Postgres has them. */
const isJob = ({ id, priority }: ReadyJob): boolean =>
  Number.isInteger(priority) && Math.abs(priority) <= MAX_INTEGER && isUuid(id);

/** By turns a score and the ids that have it, separated by commas. */
function scoresAndIds(jobs: readonly ReadyJob[]): (string | number)[] {
  const idsOf = new Map<number, string[]>();
  for (const { id, priority } of jobs) {
    const ids = idsOf.get(priority);
    if (ids) ids.push(id);
    else idsOf.set(priority, [id]);
  }
  return [...idsOf].flatMap(([priority, ids]) => [-priority, ids.join(',')]);
}
