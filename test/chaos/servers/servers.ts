import { Redis } from 'ioredis';
import { OwnerDatabase } from '../harness/database.js';
import { PostgresController } from './postgres.js';
import { RedisController } from './redis.js';
import type { Workspace } from './workspace.js';

/** The two servers of the suite, and the harness's own connections to them, which no wire cuts. */
export class Servers {
  private constructor(
    readonly postgres: PostgresController,
    readonly redis: RedisController,
    readonly database: OwnerDatabase,
    readonly redisClient: Redis,
    readonly versions: Readonly<Record<string, string>>,
  ) {}

  static async start(workspace: Workspace): Promise<Servers> {
    const [postgres, redis] = await Promise.all([
      PostgresController.make(workspace.path('postgres')),
      RedisController.make(workspace.path('redis')),
    ]);
    try {
      await Promise.all([postgres.start(), redis.start()]);
      const database = new OwnerDatabase(postgres.url);
      const client = new Redis(redis.url, {
        retryStrategy: () => 50,
        maxRetriesPerRequest: null,
      });
      client.on('error', () => undefined);
      const [version] = await database.sql<{ server_version: string }>(
        'SHOW server_version',
      );
      const info = await client.info('server');
      return new Servers(postgres, redis, database, client, {
        node: process.versions.node,
        postgres: version!.server_version,
        redis: /(?:valkey|redis)_version:[\d.]+/.exec(info)?.[0] ?? 'unknown',
      });
    } catch (error) {
      await Promise.all([postgres.stop(), redis.crash()]);
      throw error;
    }
  }

  /** A plain role for one scenario's application: it may not migrate, and faults can limit it. Returns the URL to connect with. */
  async makeRole(name: string): Promise<string> {
    await this.database.sql(
      `CREATE ROLE ${name} LOGIN PASSWORD '${this.postgres.rolePassword}'`,
    );
    return this.postgres.urlFor(name);
  }

  async stop(): Promise<void> {
    this.redisClient.disconnect();
    await this.database.close().catch(() => undefined);
    await Promise.all([this.postgres.stop(), this.redis.crash()]);
  }
}
