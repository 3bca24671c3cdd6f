import type { KyuMode } from '@kyu/nestjs';

/** Everything about a process of the shop that differs from one to the next. */
export interface ShopSettings {
  postgresUrl: string;
  redisUrl: string;
  /** Schema of Kyu's tables. */
  schema: string;
  queueName: string;
  /** Jobs that run at once in this process. */
  workers: number;
  mode: KyuMode;
  /** Where the HTTP API listens. */
  host: string;
  port: number;
  /** Where Kyu serves `/metrics` by itself, for processes without the API; 0 for nowhere. */
  metricsPort: number;
}

/** The key of the second queue, beside that of the first. */
export const reportsQueueName = ({ queueName }: ShopSettings): string =>
  `${queueName}:reports`;

/** The settings that the environment gives, around servers that are known already. */
export function settingsFromEnv(
  servers: Pick<ShopSettings, 'postgresUrl' | 'redisUrl'>,
  env: NodeJS.ProcessEnv = process.env,
): ShopSettings {
  return {
    postgresUrl: servers.postgresUrl,
    redisUrl: servers.redisUrl,
    schema: env.KYU_SCHEMA || 'public',
    queueName: env.KYU_QUEUE || 'kyu:default',
    workers: integer('KYU_WORKERS', 5, env),
    mode: (env.KYU_MODE || 'both') as KyuMode, // Kyu checks it, and says what it can be
    // This API has no login, so it is for this machine only unless somebody says otherwise.
    host: env.HOST || '127.0.0.1',
    port: integer('PORT', 3000, env),
    metricsPort: integer('METRICS_PORT', 9090, env),
  };
}

function integer(
  name: string,
  fallback: number,
  env: NodeJS.ProcessEnv,
): number {
  const value = env[name];
  if (!value) return fallback;
  if (!/^\d{1,5}$/.test(value))
    throw new Error(`expected "${name}" to be a whole number, got: "${value}"`);
  return Number(value);
}
