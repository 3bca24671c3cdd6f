import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import type { BenchServers } from './servers.js';

/** Databases of a Redis with its default settings. */
const REDIS_DATABASES = 16;

/** A database to copy, and the jobs in it that have not ended. */
export interface Template {
  url: string;
  unfinished: number;
}

/** The bench's own connections to the servers: makes databases for the contestants, and looks at the servers from outside of those. */
export class Ground {
  private readonly databases = new Set<string>();
  private readonly templates = new Map<string, Promise<Template>>();

  private constructor(
    private readonly servers: BenchServers,
    readonly postgres: Client,
    readonly redis: Redis,
    readonly redisUrl: string,
    private readonly majorVersion: number,
  ) {}

  /** @throws when every database of the Redis holds something: what is there is not ours to delete. */
  static async open(servers: BenchServers): Promise<Ground> {
    const postgres = new Client({ connectionString: servers.postgresUrl });
    await postgres.connect();
    const { rows } = await postgres.query<{ version: string }>(
      "SELECT current_setting('server_version_num') AS version",
    );
    const major = Math.floor(Number(rows[0]!.version) / 10_000);
    for (let index = REDIS_DATABASES - 1; index >= 0; index--) {
      const url = new URL(servers.redisUrl);
      url.pathname = `/${index}`;
      const redis = new Redis(url.href);
      if ((await redis.dbsize()) === 0)
        return new Ground(servers, postgres, redis, url.href, major);
      redis.disconnect();
    }
    await postgres.end();
    throw new Error(
      'Every database of this Redis holds keys, and the benchmark needs an empty one. Name another server in KYU_REDIS_URL, or unset it to get one for the benchmark alone.',
    );
  }

  /** A fresh database, or a copy of another one that nobody is connected to; returns its URL. The Redis database is emptied. */
  async makeDatabase(template?: string): Promise<string> {
    const name = `kyu_bench_${randomBytes(6).toString('hex')}`;
    // By files, where the server has the choice: a copy by way of the log would fill that with gigabytes.
    const copy = template
      ? `TEMPLATE ${databaseOf(template)} ${this.majorVersion >= 15 ? 'STRATEGY FILE_COPY' : ''}`
      : '';
    await this.postgres.query(`CREATE DATABASE ${name} ${copy}`);
    this.databases.add(name);
    await this.emptyRedis();
    const url = new URL(this.servers.postgresUrl);
    url.pathname = `/${name}`;
    return url.href;
  }

  /** Made once in a run, by the first who asks; it goes with the ground. */
  once(name: string, make: () => Promise<Template>): Promise<Template> {
    const template = this.templates.get(name) ?? make();
    this.templates.set(name, template);
    return template;
  }

  /** As autovacuum would have left it, if it had had the time: plans and hint bits are then not a matter of luck. */
  async vacuum(url: string): Promise<void> {
    const client = new Client({ connectionString: url });
    await client.connect();
    await client.query('VACUUM (ANALYZE)');
    await client.end();
  }

  async dropDatabase(url: string): Promise<void> {
    await this.drop(databaseOf(url));
    await this.emptyRedis();
    // What the last contestant left to be written must not slow the next one down. Only superusers may.
    await this.postgres.query('CHECKPOINT').catch(() => undefined);
  }

  emptyRedis(): Promise<unknown> {
    return this.redis.flushdb();
  }

  async redisMemoryMb(): Promise<number> {
    const info = await this.redis.info('memory');
    return Number(/used_memory:(\d+)/.exec(info)?.[1]) / 2 ** 20;
  }

  /** Transactions in a database since it was made, seen from another one. */
  async transactions(url: string): Promise<number> {
    const { rows } = await this.postgres.query<{ count: string }>(
      'SELECT xact_commit + xact_rollback AS count FROM pg_stat_database WHERE datname = $1',
      [databaseOf(url)],
    );
    return Number(rows[0]!.count);
  }

  async close(): Promise<void> {
    for (const name of this.databases) await this.drop(name);
    await this.emptyRedis();
    this.redis.disconnect();
    await this.postgres.end();
  }

  private async drop(name: string): Promise<void> {
    await this.postgres.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    this.databases.delete(name);
  }
}

const databaseOf = (url: string): string => new URL(url).pathname.slice(1);
