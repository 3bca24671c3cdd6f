import type { KyuRedisOptions } from '../config/kyu.options.js';
import { CircuitBreaker } from '../runtime/circuit-breaker.js';
import { answerWithin } from './answer-within.js';
import { readyJobs } from './ready-jobs.js';
import type { ReadyJob } from './ready-queue.js';
import { newRedis, type KyuRedis } from './redis-connection.js';
import { isRefusal, needsNewConnection } from './redis-errors.js';

/** While waiting fails it is not tried for this long, doubled up to the last. */
const BREAK_MS = { firstMs: 1_000, lastMs: 10_000 };
/**
 * A connection may break at any time: that waiting fails is said after so many failures in a row;
 * at once when the user may not wait.
 */
const FAILURES_TO_TELL = 3;

/**
 * Is responsible for waiting for the first id, on a connection of its own, as a pop that waits
 * blocks its connection. Waiting may fail while all else works: for want of a right, or of one
 * connection more.
 */
export class BlockingPop {
  private readonly redis: KyuRedis;
  private readonly breaker = new CircuitBreaker(BREAK_MS, () => undefined);
  private failures = 0;
  private isFailing = false;
  private waiting = false;

  /** @param silenceMs a server that has said nothing for this long after the wait is gone. */
  constructor(
    options: KyuRedisOptions,
    private readonly key: string,
    private readonly silenceMs: number,
    private readonly onChange: (failing: boolean, cause?: Error) => void,
  ) {
    this.redis = newRedis(options, () => null); // each wait opens the connection if it has to
    // Without a listener ioredis prints each failed attempt.
    this.redis.on('error', () => undefined);
  }

  connect(): Promise<void> {
    return this.redis.connect();
  }

  /** Whether to wait now. If not, the ready queue asks again and again. */
  get usable(): boolean {
    return !this.breaker.isOpen;
  }

  /** Waiting fails, and the log has said so. */
  get failing(): boolean {
    return this.isFailing;
  }

  /**
   * Waits for the first id. BZPOPMIN and not BZMPOP: every server since 5.0 has it, and the wait
   * ends with one id anyway, for the first ZADD wakes it; the next pop takes the rest.
   */
  async pop(waitMs: number, signal?: AbortSignal): Promise<ReadyJob[]> {
    if (signal?.aborted) return [];
    // An id that is popped at this very moment is lost to Redis; the refill after a stop brings it
    // back.
    const hangUp = (): void => this.hangUp();
    this.waiting = true;
    signal?.addEventListener('abort', hangUp);
    try {
      const popped = await answerWithin(
        waitMs + this.silenceMs,
        this.connected().then(() =>
          this.redis.bzpopmin(this.key, waitMs / 1000),
        ),
      );
      this.succeeded();
      return popped ? readyJobs(popped.slice(1)) : [];
    } catch (error) {
      if (needsNewConnection(error as Error)) this.hangUp();
      throw error;
    } finally {
      this.waiting = false;
      signal?.removeEventListener('abort', hangUp);
    }
  }

  /** The last pop failed by itself, and not because it was hung up or all of Redis failed. */
  failed(cause: Error): void {
    this.breaker.failed(cause);
    this.failures++;
    if (this.isFailing) return;
    const forGood = isRefusal(cause) && !needsNewConnection(cause);
    if (!forGood && this.failures < FAILURES_TO_TELL) return;
    this.isFailing = true;
    this.onChange(true, cause);
  }

  /** Ends the wait under way, if there is one. */
  hangUp(): void {
    if (this.waiting) this.redis.disconnect();
  }

  /**
   * The next wait is on a new connection: the server that the old one leads to may be another by
   * now.
   */
  renew(): void {
    this.redis.disconnect();
    this.breaker.succeeded();
  }

  close(): void {
    this.redis.disconnect();
  }

  /** It was hung up, or broke, or it was never there. @throws while it is still being opened. */
  private async connected(): Promise<void> {
    const { status } = this.redis;
    if (status === 'ready') return;
    if (status === 'end') return this.redis.connect();
    if (status === 'connect') this.redis.disconnect(); // a server that takes connections and does not speak
    throw new Error(`the connection is not open: ${status}`);
  }

  private succeeded(): void {
    this.breaker.succeeded();
    this.failures = 0;
    if (!this.isFailing) return;
    this.isFailing = false;
    this.onChange(false);
  }
}
