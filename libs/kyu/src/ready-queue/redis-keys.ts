/** The keys of one queue. Nothing else of Kyu's is in Redis. */
export interface RedisKeys {
  /** ZSET: member = job id, score = -priority. */
  ready: string;
  /**
   * STRING, present when more jobs wait than the window holds: then a new job may be staged only if it belongs in the window.
   * The hash tag keeps all keys on one node of a Cluster.
   */
  clipped: string;
  /** STRING with a life: the tables whose ids are in the ready set. See {@link OwnerMark}. */
  owner: string;
}

/** @param keyPrefix what ioredis writes before each key in a Cluster, where it is part of what a key is placed by. */
export function redisKeys(queueName: string, keyPrefix = ''): RedisKeys {
  const tag = `{${keyPrefix}${queueName}}`;
  return {
    ready: queueName,
    clipped: `${tag}:clipped`,
    owner: `${tag}:owner`,
  };
}
