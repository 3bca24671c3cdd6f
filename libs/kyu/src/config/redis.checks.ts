import type { KyuRedisOptions } from './kyu.options.js';
import { url, type Check } from './options.checks.js';

const SOCKET_QUERY = ['db', 'username', 'password'];

/**
 * A server, or with `unix:` a socket of this machine: what is no path has its place in the query.
 */
export const redisUrl: Check = (value) => {
  if (typeof value !== 'string' || !/^unix:/i.test(value))
    return url('redis:', 'rediss:')(value);
  return /^unix:\/\/\/[^/?#%][^?#%]*(\?[^#]*)?$/.test(value) &&
    [...new URL(value).searchParams.keys()].every((key) =>
      SOCKET_QUERY.includes(key),
    )
    ? undefined
    : `a path after three slashes, with all else in its query: unix:///run/redis.sock?${SOCKET_QUERY.map((key) => `${key}=…`).join('&')}`;
};

/**
 * A Cluster places a key by what is in its braces, or else by all of it; the keys of a queue must
 * come to one place.
 */
const KEEPS_TOGETHER = /^[^{]*(\{[^{}]+\}.*)?$/s;

/** What is wrong with the options of a Cluster, in whole sentences. */
export function checkCluster(redis: KyuRedisOptions | false): string[] {
  if (!redis || !('cluster' in redis)) return [];
  const { cluster: _, options = {}, ...misplaced } = redis;
  const prefix = options.keyPrefix ?? options.redisOptions?.keyPrefix ?? '';
  return [
    ...Object.keys(misplaced).map(
      (key) =>
        `"redis.${key}" does nothing beside "redis.cluster"; put it into "redis.options", or, if it is of the single nodes, into "redis.options.redisOptions"`,
    ),
    ...(KEEPS_TOGETHER.test(prefix)
      ? []
      : [
          'expected "redis.options.keyPrefix" to have no braces, or a name in them such as {shop}:, so that the keys of a queue are in one slot of the Cluster',
        ]),
  ];
}
