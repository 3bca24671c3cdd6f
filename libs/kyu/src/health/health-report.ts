import type { Duration } from '../runtime/duration.js';

/**
 * What `KyuHealth.check()` found. No payloads, no addresses, no secrets: it may be shown to whoever asks.
 *
 * @publicApi
 */
export interface KyuHealthReport {
  /**
   * `'down'`: this process cannot do its work now, `ready` is false. `'degraded'`: it can, and `warnings` say what should be looked at. A load balancer should take
   * both `'up'` and `'degraded'` for good.
   */
  status: 'up' | 'degraded' | 'down';
  /** False only for what a restart of this process heals: its worker claims nothing although it could. Meant for a liveness probe. */
  live: boolean;
  /** False while this process cannot do its work: PostgreSQL is away, or its worker claims nothing. Meant for a readiness probe. */
  ready: boolean;
  /** Why `ready` or `live` is false, one sentence each. */
  problems: string[];
  /** What should be looked at, and makes no probe fail: Redis is away, no worker is alive, a job waits too long or has a type that no worker runs. */
  warnings: string[];
  queue: string;
  postgres: 'up' | 'down';
  /** `'off'`: configured without. */
  redis: 'up' | 'down' | 'off';
  /**
   * This process as a worker. `'working'`: it claims what there is to claim. `'stuck'`: it has slots free, a job that it could run waits for longer than 5 s, and it has
   * claimed none for as long. `'fenced'`: its heartbeat does not reach Postgres. `'stopped'`: it drains, or has ended. `'none'`: it only enqueues.
   */
  worker: 'working' | 'stuck' | 'fenced' | 'stopped' | 'none';
  /** Workers of the queue that were heard of within `heartbeatTimeout`, in all processes. Missing while Postgres is down, as are those below. */
  workersAlive?: number;
  /** How long the job that waits longest has been due, in milliseconds, of the first hundred of each of the ten lowest priorities; missing when none waits. */
  oldestWaitingMs?: number;
  /** The newest migration of the tables. */
  schemaVersion?: string;
}

/**
 * Limits of one check.
 *
 * @publicApi
 */
export interface KyuHealthLimits {
  /** A job that is due for longer is a warning: milliseconds, or a duration such as `'5m'`. @default no limit */
  maxWaiting?: Duration;
  /** How long the check may take, whatever PostgreSQL does. @default '2s' */
  timeout?: Duration;
}
