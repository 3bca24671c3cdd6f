import { startEmbeddedPostgres, startEmbeddedRedis } from '@kyu/embedded';

/** Where the contestants work. */
export interface BenchServers {
  postgresUrl: string;
  redisUrl: string;
  description: string;
  stop(): Promise<void>;
}

/** A commit waits for the disk, as in production: the settings of a server for tests would flatter everyone who uses PostgreSQL. */
const DURABLE = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  autovacuum: 'on',
};

/** The servers that KYU_POSTGRES_URL and KYU_REDIS_URL name, else servers of the bench's own. */
export async function startServers(
  env: NodeJS.ProcessEnv = process.env,
): Promise<BenchServers> {
  const given = { postgres: env.KYU_POSTGRES_URL, redis: env.KYU_REDIS_URL };
  const postgres = given.postgres
    ? named('PostgreSQL', 'KYU_POSTGRES_URL', given.postgres)
    : await startEmbeddedPostgres({ settings: DURABLE });
  try {
    const redis = given.redis
      ? named('Redis', 'KYU_REDIS_URL', given.redis)
      : await startEmbeddedRedis();
    return {
      postgresUrl: postgres.url,
      redisUrl: redis.url,
      description: `${postgres.description}; ${redis.description}`,
      stop: async () => {
        await Promise.all([postgres.stop(), redis.stop()]);
      },
    };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

const named = (name: string, variable: string, url: string) => ({
  url,
  description: `${name} of ${variable}`,
  stop: () => Promise.resolve(),
});
