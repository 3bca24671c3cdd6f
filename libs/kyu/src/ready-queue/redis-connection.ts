import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { KyuRedisOptions } from '../config/kyu.options.js';
import type { MarkAction } from './owner-mark.js';
import { OWN, POP, REFILL, STAGE } from './ready-queue.lua.js';

type Keys = [ready: string, clipped: string, owner: string];
/** What every script checks first: the own mark and its life. */
type Mark = [mark: string, lifeMs: number];

/** An ioredis client that knows Kyu's scripts. */
export type KyuRedis = (Redis | Cluster) & {
  kyuStage(
    ...args: [...Keys, ...Mark, ...(string | number)[]]
  ): Promise<number>;
  kyuRefill(
    ...args: [...Keys, ...Mark, ...(string | number)[]]
  ): Promise<number>;
  kyuPop(
    ...args: [...Keys, ...Mark, count: number, lowWater: number]
  ): Promise<[low: number, tailId: string, tailScore: string, ...string[]]>;
  kyuOwn(
    ...args: [...Keys, ...Mark, action: MarkAction, markNow: string]
  ): Promise<string>;
};

/** How a lost server is sought again: 50 ms, 100 ms … at most this, spread out so that not all workers knock at once. */
const MAX_RECONNECT_MS = 2_000;
export const reconnectDelay = (attempt: number): number =>
  Math.min(50 * 2 ** Math.min(attempt, 10), MAX_RECONNECT_MS) *
  (0.5 + Math.random() / 2);

/** A server that does not take a connection within this is sought again, rather than waited for. */
const CONNECT_TIMEOUT_MS = 2_000;

/** A server that reads its data from disk is asked again whether it is ready after this long at most. */
const MAX_LOADING_RETRY_MS = 1_000;

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
  maxLoadingRetryTime: MAX_LOADING_RETRY_MS,
  // Kyu has its own, which knows a blocked event loop from an absent server; and BZPOPMIN takes its time.
  commandTimeout: undefined,
} as const;

/** @param delay milliseconds before a lost server is sought again, by the number of the attempt; null for never. */
export function newRedis(
  options: KyuRedisOptions,
  delay: (attempt: number) => number | null,
): KyuRedis {
  const scripts = {
    kyuStage: { numberOfKeys: 3, lua: STAGE },
    kyuRefill: { numberOfKeys: 3, lua: REFILL },
    kyuPop: { numberOfKeys: 3, lua: POP },
    kyuOwn: { numberOfKeys: 3, lua: OWN },
  };
  if ('cluster' in options)
    return new Cluster(options.cluster, {
      ...options.options,
      lazyConnect: true,
      enableOfflineQueue: false,
      clusterRetryStrategy: delay,
      redisOptions: {
        ...options.options?.redisOptions,
        ...FAIL_FAST,
      },
      scripts,
    }) as KyuRedis;
  const { url, ...rest } = options;
  const settings = {
    ...rest,
    ...FAIL_FAST,
    retryStrategy: delay,
    scripts,
  };
  if (url?.startsWith('unix:'))
    return new Redis({ ...settings, ...socketOptions(url) }) as KyuRedis;
  return (url ? new Redis(url, settings) : new Redis(settings)) as KyuRedis;
}

/** `unix:///run/redis.sock?db=1&username=kyu&password=secret`, a form that ioredis does not know. */
function socketOptions(url: string): RedisOptions {
  const { pathname, searchParams } = new URL(url);
  const username = searchParams.get('username');
  const password = searchParams.get('password');
  const db = searchParams.get('db');
  return {
    path: decodeURIComponent(pathname),
    ...(username !== null && { username }),
    ...(password !== null && { password }),
    ...(db !== null && { db: Number(db) }),
  };
}

/** What is written before each key of a Cluster. A single server has no slots, so there it does not matter. */
export const clusterPrefix = (options: KyuRedisOptions): string =>
  'cluster' in options
    ? (options.options?.keyPrefix ??
      options.options?.redisOptions?.keyPrefix ??
      '')
    : '';

/** `host:port` for log lines; never user or password. */
export function describeRedis(options: KyuRedisOptions): string {
  if ('cluster' in options) return 'the Redis Cluster';
  if (options.url) {
    const { protocol, hostname, port, pathname } = new URL(options.url);
    if (protocol === 'unix:') return pathname;
    return `${hostname || 'localhost'}:${port || 6379}`;
  }
  if (options.sentinels) return `the Sentinel group "${options.name ?? ''}"`;
  return (
    options.path ?? `${options.host ?? 'localhost'}:${options.port ?? 6379}`
  );
}
