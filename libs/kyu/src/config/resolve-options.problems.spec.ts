import { InvalidOptionsError } from '../errors/kyu.errors.js';
import type { KyuOptions } from './kyu.options.js';
import { resolveOptions } from './resolve-options.js';

function refusal(
  options: unknown,
  env: NodeJS.ProcessEnv = {},
): InvalidOptionsError {
  try {
    resolveOptions(options as KyuOptions, env);
  } catch (error) {
    if (error instanceof InvalidOptionsError) return error;
    throw error;
  }
  throw new Error('The options were accepted.');
}
const problemsOf = (options: unknown): readonly string[] =>
  refusal(options).problems;

/** `{ postgres: { url: value } }` from 'postgres.url'. */
const at = (path: string, value: unknown): object =>
  path
    .split('.')
    .reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as object;

const duration = (min: number): string =>
  `milliseconds or a duration such as '10s' or '5m', at least ${min} ms and at most 24 days`;
const MIGRATIONS = "one of 'auto', 'manual'";
const MODES = "one of 'both', 'producer', 'worker'";
const SCHEMA =
  'a name of letters, digits and _ that does not begin with a digit, at most 40 characters';
const PREFIX = 'at most 20 letters, digits and _';
const QUEUE = 'a name of 1 to 100 letters, digits and : _ . -';
const LOGGER = "a logger like Nest's, with log, warn and error";
const CONTEXT = 'an object with the functions capture and run';
const INTERCEPTORS = 'an array of interceptor classes or instances';
const AGE = "a duration such as '7d', at most ten years, or false for ever";
const DATA_SOURCE = 'an initialised TypeORM DataSource';

describe('an option that is wrong', () => {
  it.each<[string, unknown, string, string]>([
    ['workers', 0, 'an integer from 1 to 10000', '0'],
    ['workers', -3, 'an integer from 1 to 10000', '-3'],
    ['workers', 10_001, 'an integer from 1 to 10000', '10001'],
    ['workers', 2.5, 'an integer from 1 to 10000', '2.5'],
    ['workers', 'ten', 'an integer from 1 to 10000', '"ten"'],
    ['workers', Number.NaN, 'an integer from 1 to 10000', 'NaN'],
    ['workers', null, 'an integer from 1 to 10000', 'null'],
    ['workers', [5], 'an integer from 1 to 10000', 'an array'],
    ['workers', { n: 5 }, 'an integer from 1 to 10000', 'an object'],
    ['workers', Symbol('5'), 'an integer from 1 to 10000', 'Symbol(5)'],
    ['queueName', '', QUEUE, '""'],
    ['queueName', 'a b', QUEUE, '"a b"'],
    ['queueName', 'a{b}', QUEUE, '"a{b}"'],
    ['queueName', 'ü', QUEUE, '"ü"'],
    ['queueName', 'a\n', QUEUE, '"a\\n"'],
    ['queueName', 'a"; DROP', QUEUE, '"a\\"; DROP"'],
    ['queueName', 'x'.repeat(101), QUEUE, `"${'x'.repeat(101)}"`],
    ['queueName', 7, QUEUE, '7'],
    ['metricsPort', -1, 'an integer from 0 to 65535', '-1'],
    ['metricsPort', 65_536, 'an integer from 0 to 65535', '65536'],
    ['metricsPort', '9090', 'an integer from 0 to 65535', '"9090"'],
    ['metricsPort', false, 'an integer from 0 to 65535', 'false'],
    ['staleJobTimeout', 999, duration(1_000), '999'],
    ['staleJobTimeout', '25d', duration(1_000), '"25d"'],
    ['heartbeatInterval', 249, duration(250), '249'],
    ['heartbeatInterval', 'often', duration(250), '"often"'],
    ['heartbeatTimeout', -1, duration(1_000), '-1'],
    ['maxCrashes', 0, 'an integer from 1 to 1000000', '0'],
    ['drainTimeout', '-1s', duration(0), '"-1s"'],
    ['drainTimeout', 2_147_483_648, duration(0), '2147483648'],
    ['logger', console.log, LOGGER, String(console.log)],
    ['logger', { log() {}, warn() {} }, LOGGER, 'an object'],
    ['mode', 'consumer', MODES, '"consumer"'],
    ['interceptors', {}, INTERCEPTORS, 'an object'],
    ['interceptors', [{}], INTERCEPTORS, 'an array'],
    ['interceptors', [null], INTERCEPTORS, 'an array'],
    ['globalEnhancers', 'yes', 'true or false', '"yes"'],
    ['context', { capture() {} }, CONTEXT, 'an object'],
    ['currentJob', 1, 'true or false', '1'],
    ['tracing', true, "'link', 'parent' or false", 'true'],
    ['tracing', 'child', "'link', 'parent' or false", '"child"'],
    ['maxRetries', -1, 'an integer from 0 to 2147483647', '-1'],
    ['timeout', 0, duration(1), '0'],
    ['timeout', '24.9d', duration(1), '"24.9d"'],
    ['backoff', 'exponential', 'an object', '"exponential"'],
    ['backoff', null, 'an object', 'null'],
    ['backoff.base', 0, duration(1), '0'],
    ['backoff.cap', '1w', duration(1), '"1w"'],
    ['backoff.jitter', 1, 'true or false', '1'],
    ['retention', false, 'an object', 'false'],
    ['retention.completed', true, AGE, 'true'],
    ['retention.dead', '3651d', AGE, '"3651d"'],
    ['retention.cancelled', -1, AGE, '-1'],
    ['postgres', null, 'an object', 'null'],
    ['postgres', [], 'an object', 'an array'],
    ['postgres.dataSource', {}, DATA_SOURCE, 'an object'],
    ['postgres.maxConnections', 1, 'an integer from 2 to 10000', '1'],
    ['postgres.minConnections', -1, 'an integer from 0 to 10000', '-1'],
    [
      'postgres.minConnections',
      Symbol('2'),
      'an integer from 0 to 10000',
      'Symbol(2)',
    ],
    ['postgres.maxLifetime', '10ms', duration(1_000), '"10ms"'],
    ['postgres.schema', '1st', SCHEMA, '"1st"'],
    ['postgres.schema', '', SCHEMA, '""'],
    ['postgres.schema', 'a"b', SCHEMA, '"a\\"b"'],
    ['postgres.schema', 'x'.repeat(41), SCHEMA, `"${'x'.repeat(41)}"`],
    ['postgres.tablePrefix', 'a-b', PREFIX, '"a-b"'],
    ['postgres.tablePrefix', 'x'.repeat(21), PREFIX, `"${'x'.repeat(21)}"`],
    ['postgres.migrations', true, MIGRATIONS, 'true'],
    [
      'redis',
      true,
      'an object with a url or ioredis options, or false',
      'true',
    ],
    [
      'redis',
      null,
      'an object with a url or ioredis options, or false',
      'null',
    ],
  ])('%s: %p', (name, value, expected, shown) => {
    expect(problemsOf(at(name, value))).toEqual([
      `expected "${name}" to be ${expected}, got: ${shown}`,
    ]);
  });

  it('heartbeatTimeout: 999, whatever the interval', () => {
    const options = { heartbeatInterval: 250, heartbeatTimeout: 999 };
    expect(problemsOf(options)).toEqual([
      `expected "heartbeatTimeout" to be ${duration(1_000)}, got: 999`,
    ]);
    expect(() =>
      resolveOptions({ ...options, heartbeatTimeout: 1_000 }, {}),
    ).not.toThrow();
  });

  it('takes the longest names that there are', () => {
    expect(() =>
      resolveOptions(
        {
          queueName: 'x'.repeat(100),
          postgres: { schema: 'x'.repeat(40), tablePrefix: 'x'.repeat(20) },
        },
        {},
      ),
    ).not.toThrow();
  });

  it('has a typed error that lists everything that is wrong at once', () => {
    const error = refusal({
      workers: -1,
      postgres: { maxConnections: 'many', schem: 'x' },
      backoff: { base: 'never' },
      redis: { url: 7 },
      metricPort: 1,
    });
    expect(error).toMatchObject({
      name: 'InvalidOptionsError',
      code: 'KYU_INVALID_OPTIONS',
    });
    expect(error.message.split('\n')).toEqual([
      'Kyu cannot start with these options:',
      '  - expected "workers" to be an integer from 1 to 10000, got: -1',
      '  - unknown option "metricPort", did you mean "metricsPort"?',
      '  - expected "postgres.maxConnections" to be an integer from 2 to 10000, got: "many"',
      '  - unknown option "postgres.schem", did you mean "postgres.schema"?',
      `  - expected "backoff.base" to be ${duration(1)}, got: "never"`,
      '  - expected "redis.url" to be a URL such as redis://user:password@host:port',
    ]);
    expect(error.problems).toHaveLength(6);
    expect(error.stack).toBe(`InvalidOptionsError: ${error.message}`);
  });
});

describe('an option that is unknown', () => {
  it.each([
    ['worker', 'unknown option "worker", did you mean "workers"?'],
    [
      'postgres.maxConnection',
      'unknown option "postgres.maxConnection", did you mean "postgres.maxConnections"?',
    ],
    [
      'backoff.bas',
      'unknown option "backoff.bas", did you mean "backoff.base"?',
    ],
    ['timeoutMs', 'unknown option "timeoutMs", did you mean "timeout"?'],
    ['elephant', 'unknown option "elephant"'],
    ['constructor', 'unknown option "constructor"'],
    ['toString', 'unknown option "toString", did you mean "tracing"?'],
    ['postgres.hasOwnProperty', 'unknown option "postgres.hasOwnProperty"'],
  ])('%s', (name, problem) => {
    expect(problemsOf(at(name, 1))).toEqual([problem]);
  });

  it('is one even if it is undefined: the name is a slip all the same', () => {
    expect(problemsOf({ worker: undefined })).toHaveLength(1);
  });

  it.each([
    ['__proto__', '{"__proto__": {"workers": 3}}'],
    ['postgres.__proto__', '{"postgres": {"__proto__": {"schema": "x"}}}'],
  ])('%s pollutes nothing', (name, json) => {
    expect(problemsOf(JSON.parse(json))).toEqual([`unknown option "${name}"`]);
    expect(({} as { workers?: number }).workers).toBeUndefined();
  });
});

describe('options that do not go together', () => {
  const HEARTBEAT = 'or one late heartbeat costs a healthy worker its jobs';
  it.each<[object, string]>([
    [
      { heartbeatInterval: '10s', heartbeatTimeout: 19_999 },
      `"heartbeatTimeout" (19999 ms) must be at least twice "heartbeatInterval" (10000 ms), ${HEARTBEAT}`,
    ],
    [
      { heartbeatInterval: '20s' },
      `"heartbeatTimeout" (30000 ms) must be at least twice "heartbeatInterval" (20000 ms), ${HEARTBEAT}`,
    ],
    [
      { heartbeatTimeout: '15s' },
      `"heartbeatTimeout" (15000 ms) must be at least twice "heartbeatInterval" (10000 ms), ${HEARTBEAT}`,
    ],
    [
      { backoff: { base: '1m', cap: '30s' } },
      '"backoff.cap" (30000 ms) must not be less than "backoff.base" (60000 ms)',
    ],
    [
      { backoff: { base: '2h' } },
      '"backoff.cap" (3600000 ms) must not be less than "backoff.base" (7200000 ms)',
    ],
    [
      { postgres: { minConnections: 6, maxConnections: 5 } },
      '"postgres.minConnections" (6) must not be more than "postgres.maxConnections" (5)',
    ],
    [
      { postgres: { minConnections: 26 } },
      '"postgres.minConnections" (26) must not be more than "postgres.maxConnections" (25)',
    ],
    [
      {
        postgres: {
          minConnections: 6,
          dataSource: { query() {}, createQueryRunner() {} },
        },
      },
      '"postgres.minConnections" (6) must not be more than "postgres.maxConnections" (5)',
    ],
    [
      {
        postgres: {
          url: 'postgres://localhost/db',
          dataSource: { query() {}, createQueryRunner() {} },
        },
      },
      'give "postgres.url" or "postgres.dataSource", not both: the data source brings its own connection',
    ],
  ])('%j', (options, problem) => {
    expect(problemsOf(options)).toEqual([problem]);
  });

  it.each<KyuOptions>([
    { heartbeatInterval: '10s', heartbeatTimeout: '20s' },
    { backoff: { base: '2h', cap: '2h' } },
    { postgres: { minConnections: 25 } },
  ])('%j just do', (options) => {
    expect(() => resolveOptions(options, {})).not.toThrow();
  });

  it('are not spoken of when one of them is wrong by itself', () => {
    expect(
      problemsOf({
        heartbeatInterval: 'often',
        backoff: { base: '2h', cap: 'never' },
        postgres: { minConnections: 30, maxConnections: 'many' },
      }),
    ).toHaveLength(3);
  });
});
