import { Cluster, Redis } from 'ioredis';
import type { KyuRedisOptions } from '../config/kyu.options.js';
import { POP, REFILL, STAGE } from './ready-queue.lua.js';

type Keys = [ready: string, clipped: string];

/** An ioredis client that knows Kyu's scripts. */
export type KyuRedis = (Redis | Cluster) & {
  kyuStage(...args: [...Keys, ...(string | number)[]]): Promise<number>;
  kyuRefill(...args: [...Keys, ...(string | number)[]]): Promise<number>;
  kyuPop(
    ...args: [...Keys, count: number, lowWater: number]
  ): Promise<[low: number, tailId: string, tailScore: string, ...string[]]>;
};

/** How a lost server is sought again: 50 ms, 100 ms … at most this, spread out so that not all workers knock at once. */
const MAX_RECONNECT_MS = 2_000;
const reconnectDelay = (attempt: number): number =>
  Math.min(50 * 2 ** Math.min(attempt, 10), MAX_RECONNECT_MS) *
  (0.5 + Math.random() / 2);

/** Redis answers in under a millisecond. One that has not after this is as good as gone, and nobody should wait for it twice. */
export const COMMAND_TIMEOUT_MS = 250;

/** A server that does not take a connection within this is sought again, rather than waited for. */
const CONNECT_TIMEOUT_MS = 2_000;

/** ioredis keeps the process alive for this long after a disconnect, in case the other side does not close; its default is 2 s. */
const DISCONNECT_TIMEOUT_MS = 50;

/**
 * Everything in Redis is a hint, so a command that cannot be sent now fails now: no queue of commands while the
 * server is away, and none sent again after it came back (a repeated pop would throw ids away).
 */
const FAIL_FAST = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  disconnectTimeout: DISCONNECT_TIMEOUT_MS,
  connectTimeout: CONNECT_TIMEOUT_MS,
} as const;

export function newRedis(
  options: KyuRedisOptions,
  own: { commandTimeout?: number } = {},
): KyuRedis {
  const scripts = {
    kyuStage: { numberOfKeys: 2, lua: STAGE },
    kyuRefill: { numberOfKeys: 2, lua: REFILL },
    kyuPop: { numberOfKeys: 2, lua: POP },
  };
  if ('cluster' in options)
    return new Cluster(options.cluster, {
      ...options.options,
      lazyConnect: true,
      enableOfflineQueue: false,
      clusterRetryStrategy: reconnectDelay,
      redisOptions: {
        ...options.options?.redisOptions,
        ...FAIL_FAST,
        ...own,
      },
      scripts,
    }) as KyuRedis;
  const { url, ...rest } = options;
  const settings = {
    ...rest,
    ...FAIL_FAST,
    ...own,
    retryStrategy: reconnectDelay,
    scripts,
  };
  return (url ? new Redis(url, settings) : new Redis(settings)) as KyuRedis;
}

/** `host:port` for log lines; never user or password. */
export function describeRedis(options: KyuRedisOptions): string {
  if ('cluster' in options) return 'the Redis Cluster';
  if (options.url) {
    const { hostname, port } = new URL(options.url);
    return `${hostname || 'localhost'}:${port || 6379}`;
  }
  if (options.sentinels) return `the Sentinel group "${options.name ?? ''}"`;
  return (
    options.path ?? `${options.host ?? 'localhost'}:${options.port ?? 6379}`
  );
}
