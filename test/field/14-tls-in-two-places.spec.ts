import { checkKyuOptions, type KyuOptions } from '@kyu/nestjs';
import { Client } from 'pg';

const URL_ = 'postgres://u:secret@db/app';
const CA = { ca: '-----BEGIN CERTIFICATE-----' };

function problemsOf(options: KyuOptions, env: NodeJS.ProcessEnv = {}): string {
  try {
    checkKyuOptions(options, env);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('field 14: TLS settings of PostgreSQL in two places', () => {
  it.each([
    ['sslmode=no-verify'],
    ['sslmode=disable'],
    ['ssl=0'],
    ['sslrootcert=/ca.pem'],
    ['sslcert=/c.pem&sslkey=/k.pem'],
    ['sslnegotiation=direct'],
    ['application_name=shop&sslmode=require'],
  ])('are refused, and both are named: ?%s', (parameters) => {
    const url = `${URL_}?${parameters}`;
    const problems = problemsOf({ postgres: { url, ssl: CA } });
    expect(problems).toContain('"postgres.ssl"');
    expect(problems).toContain('"postgres.url"');
    for (const [name] of new URLSearchParams(parameters))
      expect(problems.includes(name)).toBe(name.startsWith('ssl'));
    expect(problems).toMatch(/remove .* from the URL, or "postgres.ssl"/);
    expect(problems).not.toContain('secret');
  });

  it('are refused where the URL is of the environment, which is named', () => {
    expect(
      problemsOf(
        { postgres: { ssl: true } },
        { KYU_POSTGRES_URL: `${URL_}?sslmode=no-verify` },
      ),
    ).toContain('sslmode in the environment variable KYU_POSTGRES_URL');
  });

  it('are refused beside a data source, which has its own', () => {
    const dataSource = { query() {}, createQueryRunner() {} } as never;
    expect(problemsOf({ postgres: { dataSource, ssl: CA } })).toContain(
      'give "postgres.ssl" or "postgres.dataSource", not both',
    );
  });

  it.each<[string, KyuOptions]>([
    ['only the option', { postgres: { url: URL_, ssl: CA } }],
    ['only the URL', { postgres: { url: `${URL_}?sslmode=no-verify` } }],
    [
      'parameters that are of no TLS',
      { postgres: { url: `${URL_}?application_name=ssl`, ssl: CA } },
    ],
  ])('in one place are right: %s', (_, options) => {
    expect(problemsOf(options)).toBe('');
  });

  it('the option stands before PGSSLMODE, as node-postgres has it', () => {
    const { PGSSLMODE } = process.env;
    process.env.PGSSLMODE = 'no-verify';
    try {
      expect(new Client({ connectionString: URL_, ssl: CA })).toMatchObject({
        ssl: CA,
      });
    } finally {
      if (PGSSLMODE === undefined) delete process.env.PGSSLMODE;
      else process.env.PGSSLMODE = PGSSLMODE;
    }
  });
});

describe('field 14: TLS settings of Redis in two places', () => {
  it.each<[string, KyuOptions['redis'], string]>([
    [
      'an option that says no',
      { url: 'rediss://h', tls: false } as never,
      '"redis.tls" says no',
    ],
    ['a parameter', { url: 'rediss://h?tls=false' }, 'the parameter tls'],
    ['capitals, which ioredis does not know', { url: 'REDISS://h' }, 'small'],
  ])('are refused where they would switch it off: %s', (_, redis, words) => {
    const problems = problemsOf({ redis });
    expect(problems).toContain('"redis.url"');
    expect(problems).toContain(words);
  });

  it.each<[KyuOptions['redis']]>([
    [{ url: 'rediss://h' }],
    [{ url: 'rediss://h', tls: CA }],
    [{ url: 'redis://h', tls: CA }],
    [{ host: 'h', tls: CA }],
  ])('that add up are right: %j', (redis) => {
    expect(problemsOf({ redis })).toBe('');
  });
});
