/** The keys of one queue. Nothing else of Kyu's is in Redis. */
export interface RedisKeys {
  /** ZSET: member = job id, score = -priority. */
  ready: string;
  /**
   * STRING, present when more jobs wait than the window holds: then a new job may be staged only if it belongs in the window.
   * The hash tag keeps both keys on one node of a Cluster.
   */
  clipped: string;
}

export const redisKeys = (queueName: string): RedisKeys => ({
  ready: queueName,
  clipped: `{${queueName}}:clipped`,
});
