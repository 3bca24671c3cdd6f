import type { LoggerService, NestInterceptor, Type } from '@nestjs/common';
import type { DataSource, EntityManager } from 'typeorm';
import type { BackoffPolicy } from '../job/backoff.js';
import type { JobDefaults } from '../job/new-job.js';
import type { TableNames } from '../job/table-names.js';
import type {
  KyuContextOptions,
  KyuMetricsAccess,
  KyuMode,
  KyuRedisOptions,
} from './kyu.options.js';

/** The checked options, frozen. Nothing but `resolveOptions` reads the raw ones. All durations are milliseconds. */
export abstract class KyuConfig {
  /** Undefined: the default registration. */
  abstract readonly name: string | undefined;
  abstract readonly metricsPath: string | false;
  abstract readonly postgres: PostgresConfig;
  abstract readonly redis: KyuRedisOptions | false;
  abstract readonly workers: number;
  abstract readonly queueName: string;
  abstract readonly metricsPort: number;
  abstract readonly metricsAccess: KyuMetricsAccess;
  abstract readonly staleJobTimeoutMs: number;
  abstract readonly heartbeatIntervalMs: number;
  abstract readonly heartbeatTimeoutMs: number;
  abstract readonly maxCrashes: number;
  abstract readonly drainTimeoutMs: number;
  abstract readonly logger: LoggerService | undefined;
  abstract readonly mode: KyuMode;
  abstract readonly interceptors: readonly (
    NestInterceptor | Type<NestInterceptor>
  )[];
  abstract readonly globalEnhancers: boolean;
  abstract readonly context: KyuContextOptions | undefined;
  abstract readonly currentJob: boolean;
  abstract readonly tracing: 'link' | 'parent' | false;
  /** By job type. A Map, so that `__proto__` is a type like any other. */
  abstract readonly handlerOptions: ReadonlyMap<string, JobDefaults>;
  /** Milliseconds; undefined: for ever. */
  abstract readonly retention: {
    readonly completed: number | undefined;
    readonly cancelled: number | undefined;
    readonly dead: number | undefined;
  };
  abstract readonly backoff: BackoffPolicy;
  abstract readonly transaction: (() => EntityManager | undefined) | undefined;
  abstract readonly maxRetries: number;
  abstract readonly timeoutMs: number;
}

export interface PostgresConfig {
  readonly url: string;
  readonly dataSource: DataSource | undefined;
  readonly maxConnections: number;
  readonly minConnections: number;
  readonly maxLifetimeMs: number;
  readonly migrations: 'auto' | 'manual';
  readonly ssl: boolean | Record<string, unknown> | undefined;
  readonly tables: TableNames;
}
