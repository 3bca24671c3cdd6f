import { Redis } from 'ioredis';
import { Client } from 'pg';
import { PostgresController } from '../../../../../test/chaos/servers/postgres.js';
import { RedisController } from '../../../../../test/chaos/servers/redis.js';
import type { Urls } from '../app/settings.js';
import type { Contestant } from '../contestants.js';
import { DurableRedis } from './durable-redis.js';

/** Every case's that run: a run that is broken off stops them, too. */
const living = new Set<Stores>();

export const stopAllStores = async (): Promise<void> => {
  await Promise.all([...living].map((stores) => stores.stop()));
};

/** The servers of one case, of which nothing else knows. */
export class Stores {
  private constructor(
    private readonly postgres: PostgresController | undefined,
    private readonly redis: RedisController | DurableRedis | undefined,
  ) {}

  static async start(contestant: Contestant, folder: string): Promise<Stores> {
    const [postgres, redis] = await Promise.all([
      contestant.postgres
        ? PostgresController.make(`${folder}/postgres`)
        : undefined,
      contestant.redis === 'durable'
        ? DurableRedis.make(`${folder}/redis`)
        : contestant.redis === 'disposable'
          ? RedisController.make(`${folder}/redis`)
          : undefined,
    ]);
    const stores = new Stores(postgres, redis);
    living.add(stores);
    try {
      await Promise.all([postgres?.start(), redis?.start()]);
    } catch (error) {
      await stores.stop();
      throw error;
    }
    return stores;
  }

  get urls(): Urls {
    return {
      postgres: this.postgres?.url ?? '',
      redis: this.redis?.url ?? '',
    };
  }

  async flushRedis(): Promise<void> {
    const client = new Redis(this.urls.redis);
    await client.flushall().finally(() => client.disconnect());
  }

  /** The store that remembers the jobs, without a goodbye: PostgreSQL by an immediate stop, Redis by SIGKILL. */
  crash(): Promise<void> {
    return (this.postgres ?? this.redis)!.crash();
  }

  /** Not after stop(): a run that is broken off in between leaves no server behind. */
  async restart(): Promise<void> {
    if (living.has(this)) await (this.postgres ?? this.redis)!.start();
  }

  async versions(): Promise<Record<string, string>> {
    return {
      ...(this.postgres && { PostgreSQL: await postgresVersion(this.urls) }),
      ...(this.redis && { Redis: await redisVersion(this.urls) }),
    };
  }

  async stop(): Promise<void> {
    living.delete(this);
    await Promise.all([this.postgres?.stop(), this.redis?.crash()]);
  }
}

async function postgresVersion({ postgres }: Urls): Promise<string> {
  const client = new Client({ connectionString: postgres });
  await client.connect();
  const { rows } = await client.query<{ server_version: string }>(
    'SHOW server_version',
  );
  await client.end();
  return rows[0]!.server_version;
}

async function redisVersion({ redis }: Urls): Promise<string> {
  const client = new Redis(redis);
  const info = await client.info('server').finally(() => client.disconnect());
  return /redis_version:(\S+)/.exec(info)?.[1] ?? 'unknown';
}
