import { setTimeout as sleep } from 'node:timers/promises';
import type { Servers } from '../servers/servers.js';
import type { Arena } from './arena.js';
import type { FaultLog } from './fault-log.js';

/** What a server can do to its clients. Each resolves when the server is itself again. One at a time for each server. */
export class ServerFaults {
  private lastPostgres: Promise<unknown> = Promise.resolve();
  private lastRedis: Promise<unknown> = Promise.resolve();

  private readonly servers: Servers;
  private readonly log: FaultLog;
  private readonly sessions: string;

  constructor(private readonly arena: Arena) {
    this.servers = arena.servers;
    this.log = arena.faults;
    this.sessions = `SELECT pid FROM pg_stat_activity WHERE usename = '${arena.role}'`;
  }

  /** Immediate shutdown, and the recovery at the next start. */
  crashPostgres(downMs: number): Promise<void> {
    return this.onPostgres('postgres crash', async () => {
      await this.servers.postgres.crash();
      await sleep(downMs);
      await this.servers.postgres.start();
      await this.servers.database.sql('SELECT 1');
    });
  }

  /** SIGKILL of one backend: the postmaster ends all the others and recovers in place. */
  killBackend(): Promise<void> {
    return this.onPostgres('postgres backend SIGKILL', async () => {
      const [victim] = await this.servers.database.sql<{ pid: number }>(
        `${this.sessions} LIMIT 1`,
      );
      if (!victim) return;
      process.kill(victim.pid, 'SIGKILL');
      await sleep(50);
      await this.servers.database.sql('SELECT 1');
    });
  }

  terminateBackends(): Promise<void> {
    return this.onPostgres('postgres backends terminated', async () => {
      await this.servers.database.attempt(
        `SELECT pg_terminate_backend(pid) FROM (${this.sessions}) AS sessions`,
      );
    });
  }

  readOnly(forMs: number): Promise<void> {
    return this.onPostgres('postgres read-only', async () => {
      const { database } = this.servers;
      await database.sql('ALTER SYSTEM SET default_transaction_read_only = on');
      await database.sql('SELECT pg_reload_conf()');
      await sleep(forMs);
      await database.sql('ALTER SYSTEM RESET default_transaction_read_only');
      await database.sql('SELECT pg_reload_conf()');
    });
  }

  /** Too many connections: those that there are end, and few new ones are let in. */
  limitConnections(forMs: number): Promise<void> {
    return this.onPostgres('postgres connection limit', async () => {
      const { database } = this.servers;
      await database.sql(`ALTER ROLE ${this.arena.role} CONNECTION LIMIT 2`);
      await database.attempt(
        `SELECT pg_terminate_backend(pid) FROM (${this.sessions}) AS sessions`,
      );
      await sleep(forMs);
      await database.sql(`ALTER ROLE ${this.arena.role} CONNECTION LIMIT -1`);
    });
  }

  flushRedis(): Promise<void> {
    return this.onRedis('redis FLUSHALL', async () => {
      await this.servers.redisClient.flushall();
    });
  }

  /** Goes without a word, comes back empty. */
  restartRedis(downMs: number): Promise<void> {
    return this.onRedis('redis restart', async () => {
      await this.servers.redis.crash();
      await sleep(downMs);
      await this.servers.redis.start();
      await this.servers.redisClient.ping();
    });
  }

  pauseRedis(forMs: number): Promise<void> {
    return this.onRedis('redis CLIENT PAUSE', async () => {
      await this.servers.redisClient.client('PAUSE', forMs);
      await sleep(forMs);
    });
  }

  /** Every write fails for want of memory. */
  fillRedis(forMs: number): Promise<void> {
    return this.onRedis('redis out of memory', async () => {
      const { redisClient } = this.servers;
      await redisClient.config('SET', 'maxmemory', '1');
      await sleep(forMs);
      await redisClient.config('SET', 'maxmemory', '0');
    });
  }

  /** Redis says what was true once, and what never was: ids of jobs in any state, ids of nothing, and no ids. */
  forgeIds(ids: readonly string[]): Promise<void> {
    return this.onRedis('redis stale and forged ids', async () => {
      const members = [
        ...ids,
        '00000000-0000-4000-8000-000000000000',
        'not an id',
      ];
      await this.servers.redisClient.zadd(
        this.arena.queueName,
        ...members.flatMap((member) => [0, member]),
      );
    });
  }

  /** Until everything that was begun is over. */
  async over(): Promise<void> {
    await Promise.all([this.lastPostgres, this.lastRedis]);
  }

  private onPostgres(kind: string, work: () => Promise<void>): Promise<void> {
    const next = this.lastPostgres.then(() =>
      this.logged(kind, 'postgres', work),
    );
    this.lastPostgres = next.catch(() => undefined);
    return next;
  }

  private onRedis(kind: string, work: () => Promise<void>): Promise<void> {
    const next = this.lastRedis.then(() => this.logged(kind, 'redis', work));
    this.lastRedis = next.catch(() => undefined);
    return next;
  }

  private async logged(
    kind: string,
    scope: 'postgres' | 'redis',
    work: () => Promise<void>,
  ): Promise<void> {
    this.log.count(kind);
    const over = this.log.begin(kind, scope);
    try {
      await work();
    } finally {
      over();
    }
  }
}
