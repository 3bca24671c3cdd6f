import type { DataSource } from 'typeorm';
import { InvalidOptionsError } from '../errors/kyu.errors.js';
import type { KyuOptions } from './kyu.options.js';
import { resolveOptions } from './resolve-options.js';

/** What is wrong with these, one sentence each. */
function problemsOf(
  options: unknown,
  env: NodeJS.ProcessEnv = {},
): readonly string[] {
  try {
    resolveOptions(options as KyuOptions, env);
  } catch (error) {
    if (error instanceof InvalidOptionsError) return error.problems;
    throw error;
  }
  throw new Error('The options were accepted.');
}

const resolve = (options: KyuOptions, env: NodeJS.ProcessEnv = {}) =>
  resolveOptions(options, env);

const PG = 'postgres://option@one/db';
const REDIS = 'redis://option';
const ENV = {
  KYU_POSTGRES_URL: 'postgres://env@two/db',
  KYU_REDIS_URL: 'redis://env',
};
const POSTGRES = 'a URL such as postgres://user:password@host:port';
const HIDDEN = '(not shown: it may hold a password)';

describe('the environment', () => {
  it('stands in front of the defaults', () => {
    const config = resolve({}, { ...ENV, KYU_MODE: 'producer' });
    expect(config.postgres.url).toBe(ENV.KYU_POSTGRES_URL);
    expect(config.redis).toEqual({ url: ENV.KYU_REDIS_URL });
    expect(config.mode).toBe('producer');
  });

  it('stands behind the options', () => {
    const config = resolve(
      { postgres: { url: PG }, redis: { url: REDIS }, mode: 'worker' },
      { ...ENV, KYU_MODE: 'producer' },
    );
    expect(config.postgres.url).toBe(PG);
    expect(config.redis).toEqual({ url: REDIS });
    expect(config.mode).toBe('worker');
  });

  it('fills in the URL beside other options of Postgres', () => {
    const { postgres } = resolve({ postgres: { schema: 'jobs' } }, ENV);
    expect(postgres.url).toBe(ENV.KYU_POSTGRES_URL);
    expect(postgres.tables.schema).toBe('jobs');
  });

  it('has no say when the application brings its data source', () => {
    const dataSource = {
      query() {},
      createQueryRunner() {},
    } as unknown as DataSource;
    const { postgres } = resolve({ postgres: { dataSource } }, ENV);
    expect(postgres.dataSource).toBe(dataSource);
    expect(postgres.url).not.toBe(ENV.KYU_POSTGRES_URL);
  });

  it('does not switch Redis on again', () => {
    expect(resolve({ redis: false }, ENV).redis).toBe(false);
  });

  it('has no say over Redis options without a URL', () => {
    const redis = { host: 'three', port: 1 };
    expect(resolve({ redis }, ENV).redis).toEqual(redis);
  });

  it('counts as not set when it is empty', () => {
    const empty = { KYU_POSTGRES_URL: '', KYU_REDIS_URL: '', KYU_MODE: '' };
    expect(resolve({}, empty)).toEqual(resolve({}));
  });

  it('is that of the process when none is given', () => {
    const before = process.env.KYU_MODE;
    process.env.KYU_MODE = 'producer';
    try {
      expect(resolveOptions({}).mode).toBe('producer');
      expect(resolveOptions().mode).toBe('producer');
    } finally {
      if (before === undefined) delete process.env.KYU_MODE;
      else process.env.KYU_MODE = before;
    }
  });

  it.each([
    [
      'KYU_MODE',
      'consumer',
      `one of 'both', 'producer', 'worker', got: "consumer"`,
    ],
    [
      'KYU_MODE',
      'Worker',
      `one of 'both', 'producer', 'worker', got: "Worker"`,
    ],
    ['KYU_POSTGRES_URL', 'db:s3cret', `${POSTGRES}, got: ${HIDDEN}`],
    [
      'KYU_POSTGRES_URL',
      'mysql://u:s3cret@host/db',
      `${POSTGRES}, got: ${HIDDEN}`,
    ],
    [
      'KYU_POSTGRES_URL',
      'postgres://u:s3cret%@host/db',
      `${POSTGRES}; in it, write a % of the password as %25, got: ${HIDDEN}`,
    ],
    [
      'KYU_REDIS_URL',
      'http://:s3cret@host',
      'a URL such as redis://user:password@host:port',
    ],
  ])(
    'is checked like the options, and named when it is wrong: %s=%s',
    (variable, value, expected) => {
      expect(problemsOf({}, { [variable]: value })).toEqual([
        `expected the environment variable ${variable} to be ${expected}`,
      ]);
    },
  );

  it('is not named when an option is wrong in its place', () => {
    const options = {
      mode: 'x',
      postgres: { url: 'y' },
      redis: { url: 'z' },
    };
    for (const problem of problemsOf(options, { ...ENV, KYU_MODE: 'worker' }))
      expect(problem).not.toContain('environment');
  });

  it.each<[unknown, string]>([
    [null, 'null'],
    [5, '5'],
    ['x', HIDDEN],
  ])('does not hide that "postgres" is no object: %j', (postgres, shown) => {
    const problem = `expected "postgres" to be an object, got: ${shown}`;
    expect(problemsOf({ postgres })).toEqual([problem]); // without the variable
    expect(problemsOf({ postgres }, ENV)).toEqual([problem]);
  });
});
