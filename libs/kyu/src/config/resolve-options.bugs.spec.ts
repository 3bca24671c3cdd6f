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

describe('BUG: a URL in place of the object is printed with its password', () => {
  it.each(['postgres', 'redis'])('%s', (name) => {
    const { message } = refusal({ [name]: `${name}://user:s3cret@host:1` });
    expect(message).toContain(`expected "${name}" to be an object`);
    expect(message).not.toContain('s3cret');
  });
});

describe('BUG: a URL whose password has an unescaped % is accepted', () => {
  // TypeORM, node-postgres and ioredis all decode the password; the boot then dies of "URIError: URI malformed".
  it.each([
    ['postgres', 'postgres://user:100%@host/db'],
    ['redis', 'redis://:100%@host'],
  ])('%s', (name, url) => {
    expect(refusal({ [name]: { url } }).message).toContain(`${name}.url`);
  });
});

describe('BUG: KYU_POSTGRES_URL hides that "postgres" is no object', () => {
  const env = { KYU_POSTGRES_URL: 'postgres://localhost/db' };

  it.each<[unknown, string]>([
    [null, 'null'],
    [5, '5'],
    ['x', '"x"'],
  ])('%j', (postgres, shown) => {
    const problem = `expected "postgres" to be an object, got: ${shown}`;
    expect(refusal({ postgres }).problems).toEqual([problem]); // without the variable
    expect(refusal({ postgres }, env).problems).toEqual([problem]);
  });
});

describe('BUG: a value that no number can be made of is a TypeError', () => {
  it('postgres.minConnections', () => {
    const options = { postgres: { minConnections: Symbol('2') } };
    expect(refusal(options).problems).toEqual([
      'expected "postgres.minConnections" to be an integer from 0 to 10000, got: Symbol(2)',
    ]);
  });
});
