import type { KyuOptions } from './kyu.options.js';
import { resolveOptions } from './resolve-options.js';

const NO_ENV = {};
const resolve = (options: KyuOptions, env: NodeJS.ProcessEnv = NO_ENV) =>
  resolveOptions(options, env);

const PG = 'postgres://option@one/db';
const ENV = {
  KYU_POSTGRES_URL: 'postgres://env@two/db',
  KYU_REDIS_URL: 'redis://env',
};

describe('resolveOptions', () => {
  it('has a default for everything', () => {
    expect(resolveOptions({}, NO_ENV)).toEqual({
      name: undefined,
      metricsPath: 'metrics',
      postgres: {
        url: 'postgres://postgres@localhost:5432/postgres',
        dataSource: undefined,
        maxConnections: 25,
        minConnections: 2,
        maxLifetimeMs: 300_000,
        migrations: 'auto',
        ssl: undefined,
        tables: { schema: 'public', prefix: 'kyu_' },
      },
      redis: { url: 'redis://localhost:6379' },
      workers: 5,
      queueName: 'kyu:default',
      metricsPort: 9090,
      metricsAccess: 'private',
      staleJobTimeoutMs: 600_000,
      heartbeatIntervalMs: 10_000,
      heartbeatTimeoutMs: 30_000,
      maxCrashes: 3,
      drainTimeoutMs: 20_000,
      logger: undefined,
      mode: 'both',
      interceptors: [],
      globalEnhancers: false,
      handlerOptions: new Map(),
      context: undefined,
      currentJob: false,
      tracing: 'link',
      backoff: { baseMs: 1_000, capMs: 3_600_000, jitter: false },
      maxRetries: 3,
      timeoutMs: 30_000,
      retention: {
        completed: 7 * 86_400_000,
        cancelled: 7 * 86_400_000,
        dead: 30 * 86_400_000,
      },
    });
  });

  it('takes undefined for "not given", in every place', () => {
    const undefineds = Object.fromEntries(
      Object.keys(resolve({})).map((key) => [key, undefined]),
    );
    for (const key of [
      'name',
      'metricsPath',
      'staleJobTimeoutMs',
      'heartbeatIntervalMs',
      'heartbeatTimeoutMs',
      'drainTimeoutMs',
      'timeoutMs',
    ])
      delete undefineds[key]; // names of the result, not of options
    expect(
      resolve({
        ...undefineds,
        postgres: { url: undefined, schema: undefined },
        backoff: { base: undefined },
        retention: { dead: undefined },
      }),
    ).toEqual(resolve({}));
  });

  it('keeps what is given, and turns durations into milliseconds', () => {
    const logger = { log() {}, warn() {}, error() {} };
    const interceptor = { intercept: () => undefined as never };
    class Interceptor {
      intercept = interceptor.intercept;
    }
    expect(
      resolve({
        postgres: {
          url: PG,
          maxConnections: 2,
          minConnections: 2,
          maxLifetime: '1m',
          schema: 'Jobs_1',
          tablePrefix: '',
          migrations: 'manual',
          ssl: { rejectUnauthorized: true },
        },
        redis: false,
        workers: 10_000,
        queueName: 'a:b_c.d-9',
        staleJobTimeout: 1_000,
        heartbeatInterval: '250ms',
        heartbeatTimeout: 1_000,
        maxCrashes: 1,
        drainTimeout: 0,
        logger,
        mode: 'worker',
        interceptors: [interceptor, Interceptor],
        globalEnhancers: true,
        backoff: { base: '1ms', cap: '1ms', jitter: true },
        maxRetries: 0,
        timeout: '1.5s',
        retention: { completed: 0, cancelled: false, dead: '3650d' },
      }),
    ).toMatchObject({
      postgres: {
        url: PG,
        maxConnections: 2,
        minConnections: 2,
        maxLifetimeMs: 60_000,
        migrations: 'manual',
        ssl: { rejectUnauthorized: true },
        tables: { schema: 'Jobs_1', prefix: '' },
      },
      redis: false,
      workers: 10_000,
      queueName: 'a:b_c.d-9',
      staleJobTimeoutMs: 1_000,
      heartbeatIntervalMs: 250,
      heartbeatTimeoutMs: 1_000,
      maxCrashes: 1,
      drainTimeoutMs: 0,
      logger,
      mode: 'worker',
      interceptors: [interceptor, Interceptor],
      globalEnhancers: true,
      backoff: { baseMs: 1, capMs: 1, jitter: true },
      maxRetries: 0,
      timeoutMs: 1_500,
      retention: {
        completed: 0,
        cancelled: undefined,
        dead: 3_650 * 86_400_000,
      },
    });
  });

  it('defect 20: metricsPort 0 means none', () => {
    expect(resolve({ metricsPort: 0 }).metricsPort).toBe(0);
  });

  it.each<[KyuOptions, string, unknown]>([
    [{ drainTimeout: '0s' }, 'drainTimeoutMs', 0],
    [{ maxRetries: 0 }, 'maxRetries', 0],
    [{ globalEnhancers: false }, 'globalEnhancers', false],
    [{ redis: false }, 'redis', false],
    [{ metricsPort: 65_535 }, 'metricsPort', 65_535],
  ])('%j stays: what is falsy is not "not given"', (options, key, value) => {
    expect(resolve(options)).toHaveProperty(key, value);
  });

  it('is frozen, down to the tables', () => {
    const config = resolve({ interceptors: [] });
    for (const part of [
      config,
      config.postgres,
      config.postgres.tables,
      config.backoff,
      config.retention,
      config.interceptors,
    ])
      expect(Object.isFrozen(part)).toBe(true);
  });

  it('leaves alone what it was given', () => {
    const options = { postgres: { schema: 'jobs' }, interceptors: [] };
    const before = structuredClone(options);
    resolve(options, ENV);
    expect(options).toEqual(before);
    expect(Object.isFrozen(options.interceptors)).toBe(false);
    options.interceptors.push({} as never); // does not reach the config
    expect(resolve({ interceptors: [] }).interceptors).toEqual([]);
  });
});
