import type { LoggerService } from '@nestjs/common';
import type { KyuRedisOptions } from '../config/kyu.options.js';
import { CircuitBreaker } from '../runtime/circuit-breaker.js';
import { answerWithin } from './answer-within.js';
import { expectReady } from './expect-ready.js';
import { KeyOwnership, type ScriptHead } from './key-ownership.js';
import { OutageLog } from './outage-log.js';
import { RENEW_PERIOD_MS } from './owner-mark.js';
import {
  describeRedis,
  newRedis,
  reconnectDelay,
  type KyuRedis,
} from './redis-connection.js';
import { needsNewConnection } from './redis-errors.js';
import type { RedisKeys } from './redis-keys.js';

/**
 * While Redis fails it is left alone for this long, doubled up to the last: no longer than a return
 * may go unnoticed.
 */
const BREAK_MS = { firstMs: 250, lastMs: 2_000 };

type Command<T> = (redis: KyuRedis, ...head: ScriptHead) => Promise<T>;

/** What {@link RedisCommands} tells the ready queue. */
export interface RedisCommandsListener {
  /** The key can be used again, and may have lost everything. */
  back(): void;
  /** An id that is waited for now will not come. */
  lost(): void;
  /** There is a new connection, maybe to another server. */
  reconnected(): void;
}

/**
 * Is responsible for the connection that commands go through, and for knowing whether it can be
 * used: whether Redis answers, takes ids, and whether the key belongs to the tables of this
 * process.
 */
export class RedisCommands {
  private readonly redis: KyuRedis;
  private readonly breaker: CircuitBreaker;
  private readonly outage: OutageLog;
  private readonly key: KeyOwnership;
  private readonly where: string;
  private closed = false;
  /**
   * Nothing could be put in since this connection began: too few ids may be in it, whatever a pop
   * says.
   */
  private refusesWrites = true;
  /** Connections in a row that were given up because of what their server said, or did not say. */
  private givenUp = 0;
  private greeting: Promise<void> | undefined;
  private greeted = false;
  private renewing: NodeJS.Timeout | undefined;

  constructor(
    options: KyuRedisOptions,
    keys: RedisKeys,
    private readonly window: number,
    private readonly timeoutMs: number,
    logger: LoggerService,
    private readonly listener: RedisCommandsListener,
    readMark: () => Promise<string | undefined>,
  ) {
    this.where = `Redis at ${describeRedis(options)}`;
    this.key = new KeyOwnership(
      keys,
      this.where,
      logger,
      readMark,
      (foreign) => (foreign ? listener.lost() : listener.back()),
    );
    this.outage = new OutageLog({
      away: (cause) =>
        logger.warn(
          `${this.where} cannot be used (${cause.message}); jobs are safe in PostgreSQL and are claimed from there until it can.`,
        ),
      back: () => logger.log(`${this.where} is back.`),
    });
    this.breaker = new CircuitBreaker(BREAK_MS, (open, cause) => {
      if (this.closed) return;
      if (open) return this.outage.begin(cause!);
      this.outage.end();
      this.listener.back();
    });
    this.redis = newRedis(options, (attempt) =>
      reconnectDelay(Math.max(attempt, this.givenUp)),
    );
    // Without a listener ioredis prints each failed attempt.
    this.redis.on('error', (error: Error) => this.breaker.failed(error));
    expectReady(this.redis, (error) => this.failed(error));
    this.redis.on('ready', () => {
      if (this.greeting) this.listener.reconnected();
      this.greeting = this.greet();
    });
  }

  async connect(): Promise<void> {
    this.renewing = setInterval(() => void this.renew(), RENEW_PERIOD_MS);
    this.renewing.unref();
    await this.redis.connect();
    await this.greeting;
  }

  /** Whether Redis can be used, whoever the key belongs to. */
  get up(): boolean {
    return this.answers && !this.refusesWrites;
  }

  /** A script may be sent now. It may fail: the one that puts ids in is the probe. */
  get usable(): boolean {
    return this.answers && !this.isForeign;
  }

  /** The key belongs to other tables. */
  get isForeign(): boolean {
    return this.key.isForeign;
  }

  /**
   * A pop that succeeds says little of a server that takes no more ids: it is full, and its set
   * runs empty.
   */
  get readable(): boolean {
    return this.up && !this.isForeign;
  }

  /** Runs a command that needs no key. */
  async ping(): Promise<void> {
    await this.attempt((redis) => redis.ping());
  }

  /** Runs a script that takes ids out. @throws when it could not. */
  read<T>(command: Command<T>): Promise<T> {
    return this.onOwnKey(command);
  }

  /** Runs a script that puts ids in. @throws when it could not; the next one is the probe. */
  async write<T>(command: Command<T>): Promise<T> {
    try {
      const answer = await this.onOwnKey(command);
      this.tookIds();
      return answer;
    } catch (error) {
      if (!this.isForeign) this.refusesWrites = true;
      this.listener.lost();
      throw error;
    }
  }

  close(): void {
    this.closed = true;
    clearInterval(this.renewing);
    this.outage.close();
    this.redis.disconnect();
  }

  private get answers(): boolean {
    return this.redis.status === 'ready' && !this.breaker.isOpen;
  }

  private async onOwnKey<T>(command: Command<T>): Promise<T> {
    if (this.isForeign) throw new Error('the key belongs to other tables');
    return this.attempt(command);
  }

  private async attempt<T>(command: Command<T>): Promise<T> {
    if (!this.answers) throw new Error('Redis cannot be used now');
    try {
      const answer = await this.send(command);
      if (!this.refusesWrites) this.breaker.succeeded();
      return answer;
    } catch (error) {
      // Nothing was touched, so the command may be sent twice.
      if (await this.key.isOwnAfterAll(error as Error))
        return this.attempt(command);
      this.failed(error as Error);
      throw error;
    }
  }

  private failed(error: Error): void {
    if (this.key.isToldBy(error)) return;
    this.breaker.failed(error);
    if (!needsNewConnection(error)) return;
    this.refusesWrites = true; // until greeted
    this.givenUp++;
    this.redis.disconnect(true);
  }

  private tookIds(): void {
    this.refusesWrites = false;
    this.givenUp = 0;
    this.breaker.succeeded();
  }

  /**
   * Asks a server that takes connections whether it takes ids: one whose writes are paused answers
   * all else, and would be back with each connection, to fail again at once. If it says no, the
   * next write is the next probe. The mark is known by then, so nothing is put into a key of other
   * tables.
   */
  private async greet(): Promise<void> {
    this.refusesWrites = true;
    this.greeted = false;
    await this.key.learn();
    try {
      if (this.isForeign) await this.lookForOwner();
      else
        await this.key.begin(() =>
          this.send((redis, ...head) => redis.kyuStage(...head, this.window)),
        );
      this.tookIds();
    } catch (error) {
      if (await this.key.isOwnAfterAll(error as Error))
        return await this.greet();
      // The server would take ids of others.
      if (this.key.isToldBy(error as Error)) this.tookIds();
      else this.failed(error as Error);
    } finally {
      this.greeted = true;
    }
  }

  /**
   * Says that this process is there; or, as a stranger, looks whether the owner still is. Also while
   * Redis takes no ids: a full one lets the owner keep its key. Never rejects.
   */
  private async renew(): Promise<void> {
    void this.key.learn();
    const greeted = this.greeted && this.redis.status === 'ready';
    if (!greeted || !this.key.isMarked) return;
    await this.lookForOwner().catch((error: Error) => this.failed(error));
  }

  private async lookForOwner(): Promise<void> {
    await this.key.found(
      await this.send((redis, ...head) =>
        redis.kyuOwn(...head, this.key.action, this.key.currentMark),
      ),
    );
  }

  private send<T>(command: Command<T>): Promise<T> {
    return answerWithin(this.timeoutMs, command(this.redis, ...this.key.head));
  }
}
