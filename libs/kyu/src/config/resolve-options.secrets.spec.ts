import { inspect } from 'node:util';
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

/** `{ postgres: { url: value } }` from 'postgres.url'. */
const at = (path: string, value: unknown): object =>
  path
    .split('.')
    .reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as object;

describe('secrets', () => {
  const everything = (error: Error): string =>
    `${error.message}${error.stack}${inspect(error, { depth: null, showHidden: true })}`;

  it.each<[string, unknown]>([
    ['postgres.url', 'postgres//u:s3cret@host/db'],
    ['postgres.url', 'mysql://u:s3cret@host/db'],
    ['postgres.url', 'postgres://u:s3#cret@host:s3cret/db'],
    ['postgres.url', ['s3cret']],
    ['postgres.ssl', 's3cret'],
    ['postgres.ssl', 5_3],
    ['redis.url', 'http://:s3cret@host'],
    ['redis.url', ':s3cret@host'],
    ['redis.url', null],
    ['postgres', 'postgres://user:s3cret@host:1'], // in place of the object
    ['redis', 'redis://user:s3cret@host:1'],
    ['postgres.url', 'postgres://u:s3cret%@host/db'],
    ['redis.url', 'redis://:s3cret%@host'],
  ])('are not printed when %s is wrong (%j)', (name, value) => {
    const error = refusal(at(name, value));
    expect(error.problems).toHaveLength(1);
    expect(error.message).toContain(`expected "${name}" to be `);
    expect(everything(error)).not.toContain('s3cret');
  });

  it('are said to be kept back', () => {
    expect(refusal(at('postgres.url', 'u:s3cret')).problems).toEqual([
      'expected "postgres.url" to be a URL such as postgres://user:password@host:port, got: (not shown: it may hold a password)',
    ]);
  });

  it('are not printed when they come from the environment', () => {
    const env = {
      KYU_POSTGRES_URL: 'pg://u:s3cret@host',
      KYU_REDIS_URL: 'r://:s3cret@host',
    };
    const error = refusal({}, env);
    expect(error.problems).toHaveLength(2);
    expect(everything(error)).not.toContain('s3cret');
  });

  it('of a data source are not printed, whatever it holds', () => {
    const dataSource = { options: { password: 's3cret' } };
    expect(
      everything(refusal(at('postgres.dataSource', dataSource))),
    ).not.toContain('s3cret');
  });

  // TypeORM, node-postgres and ioredis all decode the password; the boot would die of "URIError: URI malformed".
  it.each([
    ['postgres', 'postgres://user:100%@host/db'],
    ['postgres', 'postgres://us%er@host/db'],
    ['redis', 'redis://:100%@host'],
  ])('need their %% escaped in the URL of %s: %s', (name, url) => {
    const { problems } = refusal({ [name]: { url } });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`expected "${name}.url" to be a URL`);
    expect(problems[0]).toContain('write a % of the password as %25');
    const escaped = { [name]: { url: url.replace('%', '%25') } };
    expect(() => resolveOptions(escaped, {})).not.toThrow();
  });
});
