import {
  age,
  boolean,
  duration,
  integer,
  interceptors,
  matching,
  object,
  oneOf,
  url,
  withMethods,
  type Check,
} from './options.checks.js';
import type { KyuBackoffOptions } from '../job/job-backoff.js';
import type {
  KyuOptions,
  KyuPostgresOptions,
  KyuRetentionOptions,
} from './kyu.options.js';

/** Values that must never be printed: an error message ends in logs. */
export const SECRET_OPTIONS = new Set([
  'postgres', // given as a URL by mistake
  'redis',
  'postgres.url',
  'redis.url',
  'postgres.ssl',
]);

type Schema<T> = Record<keyof Required<T>, Check>;

// PostgreSQL cuts identifiers at 63 bytes, silently; with the longest suffix there must be room left.
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]{0,39}$/;
const IDENTIFIER_IN_WORDS =
  'a name of letters, digits and _ that does not begin with a digit, at most 40 characters';

export const POSTGRES_SCHEMA: Schema<KyuPostgresOptions> = {
  url: url('postgres:', 'postgresql:'),
  dataSource: withMethods(
    'an initialised TypeORM DataSource',
    'query',
    'createQueryRunner',
  ),
  maxConnections: integer(2, 10_000), // one may wait for a lock while another must still settle
  minConnections: integer(0, 10_000),
  maxLifetime: duration(1_000),
  schema: matching(IDENTIFIER, IDENTIFIER_IN_WORDS),
  tablePrefix: matching(
    /^[A-Za-z0-9_]{0,20}$/,
    'at most 20 letters, digits and _',
  ),
  migrations: oneOf('auto', 'manual'),
  ssl: (value) =>
    boolean(value) === undefined || object(value) === undefined
      ? undefined
      : 'true, false or an object of TLS settings',
};

export const BACKOFF_SCHEMA: Schema<KyuBackoffOptions> = {
  base: duration(1),
  cap: duration(1),
  jitter: boolean,
};

export const RETENTION_SCHEMA: Schema<KyuRetentionOptions> = {
  completed: age,
  cancelled: age,
  dead: age,
};

export const OPTIONS_SCHEMA: Schema<KyuOptions> = {
  postgres: object,
  redis: (value) =>
    value === false || object(value) === undefined
      ? undefined
      : 'an object with a url or ioredis options, or false',
  workers: integer(1, 10_000),
  queueName: matching(
    /^[A-Za-z0-9:_.-]{1,100}$/,
    'a name of 1 to 100 letters, digits and : _ . -',
  ),
  metricsPort: integer(0, 65_535),
  metricsAccess: (value) =>
    typeof value === 'function' || oneOf('private', 'all')(value) === undefined
      ? undefined
      : "'private', 'all' or a function of the request",
  staleJobTimeout: duration(1_000),
  heartbeatInterval: duration(250),
  heartbeatTimeout: duration(1_000),
  maxCrashes: integer(1, 1_000_000),
  drainTimeout: duration(0),
  logger: withMethods(
    "a logger like Nest's, with log, warn and error",
    'log',
    'warn',
    'error',
  ),
  mode: oneOf('both', 'producer', 'worker'),
  interceptors,
  globalEnhancers: boolean,
  context: withMethods(
    'an object with the functions capture and run',
    'capture',
    'run',
  ),
  currentJob: boolean,
  tracing: (value) =>
    value === false || oneOf('link', 'parent')(value) === undefined
      ? undefined
      : "'link', 'parent' or false",
  handlerOptions: object,
  retention: object,
  backoff: object,
  transaction: (value) =>
    typeof value === 'function'
      ? undefined
      : 'a function that returns an EntityManager or undefined',
  maxRetries: integer(0, 2_147_483_647),
  timeout: duration(1),
};
