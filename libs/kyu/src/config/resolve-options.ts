import { InvalidOptionsError } from '../errors/kyu.errors.js';
import { parseDuration, type Duration } from '../runtime/duration.js';
import { didYouMean } from './did-you-mean.js';
import type { KyuConfig } from './kyu.config.js';
import { checkHandlerOptions, handlerOptionsMap } from './handler-options.js';
import type { KyuMode, KyuOptions, KyuPostgresOptions } from './kyu.options.js';
import { object, type Check } from './options.checks.js';
import {
  BACKOFF_SCHEMA,
  OPTIONS_SCHEMA,
  POSTGRES_SCHEMA,
  RETENTION_SCHEMA,
  SECRET_OPTIONS,
} from './options.schema.js';
import { checkCluster, redisUrl } from './redis.checks.js';
import {
  checkName,
  DEFAULT_REGISTRATION,
  modeVariableOf,
  queueNameOf,
  type Registration,
} from './registration.js';
import { checkTls } from './tls-clashes.js';

const DEFAULT_POSTGRES_URL = 'postgres://postgres@localhost:5432/postgres';
const DEFAULT_REDIS_URL = 'redis://localhost:6379';
const MAX_CONNECTIONS = 25;
/** Beside a lent pool there are only Kyu's own statements: a claim, two settles, two enqueues at once. */
const MAX_BESIDE_LENT = 5;
/** After a quiet time an enqueue need not wait for PostgreSQL to start a session, nor a worker for its claim beside a settle. `maxConnections` is at least as many. */
const MIN_CONNECTIONS = 2;

/**
 * The options checked and completed. Reports everything that is wrong at once, and never corrects silently.
 *
 * @throws {InvalidOptionsError}
 */
export function resolveOptions(
  options: KyuOptions = {},
  env: NodeJS.ProcessEnv = process.env,
  { name, metricsPath }: Registration = DEFAULT_REGISTRATION,
): KyuConfig {
  const wrongName = checkName(name);
  if (wrongName)
    throw new InvalidOptionsError([
      `expected "name" to be ${wrongName}, got: ${show('name', name)}`,
    ]);
  const { given, variables } = withEnvironment(options, env, name);
  const problems = [
    ...checkAll(given, OPTIONS_SCHEMA, '', variables),
    ...checkAll(given.postgres, POSTGRES_SCHEMA, 'postgres.', variables),
    ...checkAll(given.backoff, BACKOFF_SCHEMA, 'backoff.'),
    ...checkAll(given.retention, RETENTION_SCHEMA, 'retention.'),
    ...checkRedis(given.redis, variables),
    ...checkHandlerOptions(given.handlerOptions),
    ...checkRelations(given),
    ...checkTls(given, (option) => source(option, variables)),
  ];
  if (problems.length > 0) throw new InvalidOptionsError(problems);

  const postgres = given.postgres ?? {};
  const backoff = given.backoff ?? {};
  return Object.freeze<KyuConfig>({
    name,
    metricsPath,
    postgres: Object.freeze({
      url: postgres.url ?? DEFAULT_POSTGRES_URL,
      dataSource: postgres.dataSource,
      maxConnections: maxConnectionsOf(postgres),
      minConnections: postgres.minConnections ?? MIN_CONNECTIONS,
      maxLifetimeMs: ms(postgres.maxLifetime, '5m'),
      migrations: postgres.migrations ?? 'auto',
      ssl: postgres.ssl,
      tables: Object.freeze({
        schema: postgres.schema ?? 'public',
        prefix: postgres.tablePrefix ?? 'kyu_',
      }),
    }),
    redis: namesServer(given.redis)
      ? given.redis!
      : { ...(given.redis as object), url: DEFAULT_REDIS_URL },
    workers: given.workers ?? 5,
    queueName: given.queueName ?? queueNameOf(name),
    metricsPort: given.metricsPort ?? 9090,
    metricsAccess: given.metricsAccess ?? 'private',
    staleJobTimeoutMs: ms(given.staleJobTimeout, '10m'),
    heartbeatIntervalMs: ms(given.heartbeatInterval, HEARTBEAT_INTERVAL),
    heartbeatTimeoutMs: ms(given.heartbeatTimeout, HEARTBEAT_TIMEOUT),
    maxCrashes: given.maxCrashes ?? 3,
    drainTimeoutMs: ms(given.drainTimeout, '20s'),
    logger: given.logger,
    mode: given.mode ?? 'both',
    interceptors: Object.freeze([...(given.interceptors ?? [])]),
    globalEnhancers: given.globalEnhancers ?? false,
    context: given.context,
    currentJob: given.currentJob ?? false,
    tracing: given.tracing ?? 'link',
    handlerOptions: handlerOptionsMap(given.handlerOptions),
    retention: Object.freeze({
      completed: keepMs(given.retention?.completed, '7d'),
      cancelled: keepMs(given.retention?.cancelled, '7d'),
      dead: keepMs(given.retention?.dead, '30d'),
    }),
    backoff: Object.freeze({
      baseMs: ms(backoff.base, BACKOFF_BASE),
      capMs: ms(backoff.cap, BACKOFF_CAP),
      jitter: backoff.jitter ?? false,
    }),
    transaction: given.transaction,
    maxRetries: given.maxRetries ?? 3,
    timeoutMs: ms(given.timeout, '30s'),
  });
}

const HEARTBEAT_INTERVAL = '10s';
const HEARTBEAT_TIMEOUT = '30s';
const BACKOFF_BASE = '1s';
const BACKOFF_CAP = '1h';

/** They decide what the module provides and routes, so a factory cannot return them. */
const BESIDE_THE_FACTORY = new Set<string>([
  'name',
  'metricsPath',
] satisfies (keyof Registration)[]);

/** The variable that a value came from, by the name of its option: whoever reads of a problem must know where to look. */
type Variables = ReadonlyMap<string, string>;

/** Values of the environment stand behind the options and in front of the defaults. */
function withEnvironment(
  options: KyuOptions,
  env: NodeJS.ProcessEnv,
  name: string | undefined,
): { given: KyuOptions; variables: Variables } {
  const given = { ...options };
  const variables = new Map<string, string>();
  const modeVariable = [name && modeVariableOf(name), 'KYU_MODE'].find(
    (variable) => variable && env[variable],
  );
  if (given.mode === undefined && modeVariable) {
    given.mode = env[modeVariable] as KyuMode; // checked with the rest
    variables.set('mode', modeVariable);
  }
  const { postgres = {} } = given;
  if (
    env.KYU_POSTGRES_URL &&
    object(postgres) === undefined && // whatever else it is, its check speaks of it
    !postgres.url &&
    !postgres.dataSource
  ) {
    given.postgres = { ...postgres, url: env.KYU_POSTGRES_URL };
    variables.set('postgres.url', 'KYU_POSTGRES_URL');
  }
  const redis = withoutEmptyUrl(given.redis);
  given.redis = redis;
  if (env.KYU_REDIS_URL && !namesServer(redis)) {
    given.redis = { ...(redis as object), url: env.KYU_REDIS_URL };
    variables.set('redis.url', 'KYU_REDIS_URL');
  }
  return { given, variables };
}

/** `redis: { url: process.env.REDIS_URL }` with the variable unset says no more than no url at all. */
function withoutEmptyUrl(redis: KyuOptions['redis']): KyuOptions['redis'] {
  if (object(redis) !== undefined || !redis || !('url' in redis)) return redis;
  const { url: given, ...rest } = redis;
  return given === undefined || given === '' ? rest : redis;
}

/** Whether the options say where Redis is, or that there is none; what is no object is for its check to speak of. */
function namesServer(redis: KyuOptions['redis']): boolean {
  if (redis === undefined) return false;
  if (object(redis) !== undefined) return true;
  const places = ['url', 'host', 'port', 'path', 'sentinels', 'cluster'];
  return places.some((key) => key in (redis as object));
}

function checkAll(
  values: object | undefined,
  schema: Record<string, Check>,
  path: string,
  variables: Variables = new Map(),
): string[] {
  if (typeof values !== 'object' || values === null) return []; // the parent's check speaks of it
  return Object.entries(values).flatMap(([key, value]) => {
    const name = path + key;
    const check = Object.hasOwn(schema, key) ? schema[key] : undefined;
    if (!check && BESIDE_THE_FACTORY.has(name))
      return [
        `"${name}" must be known before the options are: give it to forRoot() or forRootAsync() itself, beside useFactory`,
      ];
    if (!check) {
      const meant = didYouMean(key, Object.keys(schema));
      return [
        `unknown option "${name}"${meant ? `, did you mean "${path}${meant}"?` : ''}`,
      ];
    }
    if (value === undefined) return [];
    const expected = check(value);
    return expected === undefined
      ? []
      : [
          `expected ${source(name, variables)} to be ${expected}, got: ${show(name, value)}`,
        ];
  });
}

function checkRedis(
  redis: KyuOptions['redis'],
  variables: Variables,
): string[] {
  if (typeof redis !== 'object' || redis === null) return [];
  const expected = 'url' in redis ? redisUrl(redis.url) : undefined;
  return [
    ...(expected
      ? [`expected ${source('redis.url', variables)} to be ${expected}`]
      : []),
    ...checkCluster(redis),
  ];
}

const source = (name: string, variables: Variables): string => {
  const variable = variables.get(name);
  return variable ? `the environment variable ${variable}` : `"${name}"`;
};

/** Values that are right each by itself and wrong together. Skipped for values that are wrong by themselves. */
function checkRelations({
  postgres,
  backoff,
  ...options
}: KyuOptions): string[] {
  const problems: string[] = [];
  const interval = parseDuration(
    options.heartbeatInterval ?? HEARTBEAT_INTERVAL,
  );
  const silence = parseDuration(options.heartbeatTimeout ?? HEARTBEAT_TIMEOUT);
  if (interval !== undefined && silence !== undefined && silence < 2 * interval)
    problems.push(
      `"heartbeatTimeout" (${silence} ms) must be at least twice "heartbeatInterval" (${interval} ms), or one late heartbeat costs a healthy worker its jobs`,
    );
  const base = parseDuration(backoff?.base ?? BACKOFF_BASE);
  const cap = parseDuration(backoff?.cap ?? BACKOFF_CAP);
  if (base !== undefined && cap !== undefined && cap < base)
    problems.push(
      `"backoff.cap" (${cap} ms) must not be less than "backoff.base" (${base} ms)`,
    );
  if (postgres?.url && postgres.dataSource)
    problems.push(
      'give "postgres.url" or "postgres.dataSource", not both: the data source brings its own connection',
    );
  if (
    typeof postgres?.minConnections === 'number' &&
    postgres.minConnections > maxConnectionsOf(postgres)
  )
    problems.push(
      `"postgres.minConnections" (${postgres.minConnections}) must not be more than "postgres.maxConnections" (${maxConnectionsOf(postgres)})`,
    );
  return problems;
}

const maxConnectionsOf = ({
  maxConnections,
  dataSource,
}: KyuPostgresOptions): number =>
  maxConnections ?? (dataSource ? MAX_BESIDE_LENT : MAX_CONNECTIONS);

/** Only called with durations that were checked. */
const ms = (value: Duration | undefined, fallback: Duration): number =>
  parseDuration(value ?? fallback)!;

const keepMs = (
  value: Duration | false | undefined,
  fallback: Duration,
): number | undefined => (value === false ? undefined : ms(value, fallback));

function show(name: string, value: unknown): string {
  if (typeof value === 'string')
    return SECRET_OPTIONS.has(name)
      ? '(not shown: it may hold a password)'
      : JSON.stringify(value);
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? 'an array' : 'an object';
  return String(value);
}
