import type { IncomingMessage } from 'node:http';
import type { LoggerService, NestInterceptor, Type } from '@nestjs/common';
import type { ClusterNode, ClusterOptions, RedisOptions } from 'ioredis';
import type { DataSource, EntityManager } from 'typeorm';
import type { KyuBackoffOptions } from '../job/job-backoff.js';
import type { JobDefaults } from '../job/new-job.js';
import type { Duration } from '../runtime/duration.js';

/**
 * Where PostgreSQL is and how Kyu uses it.
 *
 * @publicApi
 */
export interface KyuPostgresOptions {
  /** Connection URL. @default env `KYU_POSTGRES_URL`, else `postgres://postgres@localhost:5432/postgres` */
  url?: string;
  /**
   * Your application's own initialised TypeORM `DataSource` instead of a URL: handlers and their
   * transactions use it, and Kyu never closes it. Kyu's own statements have a small pool beside it,
   * with the same settings, because a handler may hold every connection of yours.
   */
  dataSource?: DataSource;
  /**
   * Most connections of this process: of all registrations together that have equal `postgres`
   * settings, as they share one pool; beside them each registration that works has one for its
   * heartbeat. With a `dataSource`: Kyu's own connections beside those of yours.
   *
   * @default 25; 5 with a `dataSource`
   */
  maxConnections?: number;
  /** Connections that stay open while idle, until their `maxLifetime`. Others close after 10 s, and the next statement waits for a new one. @default 2 */
  minConnections?: number;
  /** A connection is closed after this time; the next statement opens a new one. @default '5m' */
  maxLifetime?: Duration;
  /** Schema of the tables; made when it is missing. @default 'public' */
  schema?: string;
  /** What the names of the tables begin with. @default 'kyu_' */
  tablePrefix?: string;
  /** `'auto'`: migrate at boot, under a lock. `'manual'`: refuse to boot until `migrateKyu()` was run. @default 'auto' */
  migrations?: 'auto' | 'manual';
  /** TLS settings of node-postgres; certificates are verified unless they say otherwise. Here or in the URL (`sslmode`), not in both. @default as the URL says, else `PGSSLMODE` */
  ssl?: boolean | Record<string, unknown>;
}

/**
 * Where Redis is: a URL, ioredis options (single server or Sentinel), or the nodes of a Cluster.
 *
 * @publicApi
 */
export type KyuRedisOptions =
  | ({
      /** Connection URL: `redis://`, `rediss://`, or `unix:///run/redis.sock` for a socket. @default env `KYU_REDIS_URL`, else `redis://localhost:6379` */
      url?: string;
    } & RedisOptions)
  | { cluster: ClusterNode[]; options?: ClusterOptions };

/**
 * How long finished jobs stay in the table, counted from their end; `false`: for ever.
 *
 * @publicApi
 */
export interface KyuRetentionOptions {
  /** @default '7d' */
  completed?: Duration | false;
  /** @default '7d' */
  cancelled?: Duration | false;
  /** @default '30d' */
  dead?: Duration | false;
}

/**
 * What of an application's own context (tenant, locale, request id) travels with a job: taken from whoever enqueues it, opened again around its handler.
 *
 * @publicApi
 */
export interface KyuContextOptions {
  /** Called at each enqueue, in the caller's own async context. What it returns is stored beside the payload: at most 4 KiB of JSON; undefined for nothing. */
  capture(): unknown;
  /**
   * Called around each run, outside of guards, interceptors and pipes; it calls `next` in the context that it restores, and returns what that returns.
   *
   * @param context what `capture()` returned, from JSON; undefined for a job without.
   */
  run(context: unknown, next: () => Promise<unknown>): unknown;
}

/**
 * Whom the metrics answer: `'private'`: direct requests from this machine and from private networks. `'all'`: every request. A function decides for each request.
 *
 * @publicApi
 */
export type KyuMetricsAccess =
  | 'private'
  | 'all'
  | ((request: IncomingMessage) => boolean | Promise<boolean>);

/**
 * `KyuModule.forRoot(options)`. Every option has a default; durations are milliseconds or strings such as `'10s'`.
 *
 * @publicApi
 */
export interface KyuOptions {
  postgres?: KyuPostgresOptions;
  /** `false`: no Redis at all, workers claim straight from PostgreSQL. */
  redis?: KyuRedisOptions | false;
  /** Jobs that run at once in this process. @default 5 */
  workers?: number;
  /** The queue, and its key in Redis. Letters, digits and `: _ . -`, at most 100. @default 'kyu:default', or `kyu:` and the name of the registration */
  queueName?: string;
  /** Port that serves `/metrics` by itself (`/metrics/<name>` for a named registration, which may share the port); 0 means none. @default 9090 */
  metricsPort?: number;
  /**
   * Whom the metrics answer, on their route and on `metricsPort`: `'private'`: direct requests from this machine and from private networks, without the headers of a
   * proxy. `'all'`: everybody. Or a function: `(request) => request.headers.authorization === 'Bearer …'`. @default 'private'
   */
  metricsAccess?: KyuMetricsAccess;
  /** A job that has overrun its own timeout by this much on a live worker is taken back: its process hangs. @default '10m' */
  staleJobTimeout?: Duration;
  /** How often a worker process says that it is alive. @default '10s' */
  heartbeatInterval?: Duration;
  /** A worker that was silent for this long is gone, and its jobs are taken back. @default '30s' */
  heartbeatTimeout?: Duration;
  /** A job whose worker was lost this many times is dead. @default 3 */
  maxCrashes?: number;
  /** How long running handlers may finish after a stop signal, before their own signal aborts. @default '20s' */
  drainTimeout?: Duration;
  /** Where Kyu logs. @default Nest's `Logger` */
  logger?: LoggerService;
  /** `'producer'` only enqueues; `'worker'` and `'both'` also run jobs. @default env `KYU_MODE_<NAME>` for a named registration, then `KYU_MODE`, else 'both' */
  mode?: KyuMode;
  /** Around every job of every type, the first outermost: classes (dependencies injected) or instances. */
  interceptors?: (NestInterceptor | Type<NestInterceptor>)[];
  /** Let the application's global guards, pipes, interceptors and filters see jobs too. @default false */
  globalEnhancers?: boolean;
  /** What of the application's own context travels with each job. @default nothing */
  context?: KyuContextOptions;
  /**
   * Lets `currentJob()` and `JobLogger` know the run under way. Asked for, because below Node 24 the first async context of a process makes
   * each of its promises dearer. @default false
   */
  currentJob?: boolean;
  /**
   * Spans, where `@opentelemetry/api` is installed and an SDK is registered: a run has a trace of its own that links to the enqueue (`'link'`), or is a
   * child in the trace of the enqueue (`'parent'`). `false`: none. @default 'link'
   */
  tracing?: 'link' | 'parent' | false;
  /** Options by job type, in front of those of `@JobHandler()`: `{ send_email: { timeout: '1m' } }`. For values that come from configuration. */
  handlerOptions?: Record<string, JobDefaults>;
  /** How long finished jobs are kept. */
  retention?: KyuRetentionOptions;
  /** Waits between retries. */
  backoff?: KyuBackoffOptions;
  /** Retries of a job that sets none. @default 3 */
  maxRetries?: number;
  /**
   * The TypeORM transaction that whoever enqueues is in, if any: the job commits with it. Asked at each call that has no `manager` and no `client` of its own.
   * @default none
   */
  transaction?: () => EntityManager | undefined;
  /** Time limit of one run of a job that sets none. @default '30s' */
  timeout?: Duration;
}

/**
 * What this process does.
 *
 * @publicApi
 */
export type KyuMode = 'both' | 'producer' | 'worker';

/**
 * For `forRootAsync({ useClass })` and `useExisting`.
 *
 * @publicApi
 */
export interface KyuOptionsFactory {
  createKyuOptions(): KyuOptions | Promise<KyuOptions>;
}
