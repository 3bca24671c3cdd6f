import type { KyuOptions } from './kyu.options.js';

/** With one of these in its URL, node-postgres takes TLS from the URL alone. */
const POSTGRES_TLS = [
  'ssl',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'sslnegotiation',
];

/**
 * TLS settings in two places, of which the client libraries silently drop one: a connection that should be verified is not, or not encrypted at all.
 *
 * @param source how the text that is read calls an option: by its name, or by the environment variable that it came from.
 */
export function checkTls(
  { postgres, redis }: KyuOptions,
  source: (name: string) => string,
): string[] {
  return [
    ...checkPostgres(
      Object(postgres) as KyuOptions['postgres'] & object,
      source,
    ),
    ...checkRedis(Object(redis) as { url?: unknown; tls?: unknown }, source),
  ];
}

function checkPostgres(
  { url, ssl, dataSource }: NonNullable<KyuOptions['postgres']>,
  source: (name: string) => string,
): string[] {
  if (ssl === undefined) return [];
  if (dataSource)
    return [
      'give "postgres.ssl" or "postgres.dataSource", not both: the data source brings its own connection',
    ];
  const parsed = parse(url);
  const found = POSTGRES_TLS.filter((name) => parsed?.searchParams.has(name));
  return found.length === 0
    ? []
    : [
        `"postgres.ssl" and ${found.join(', ')} in ${source('postgres.url')} both say how TLS is done, and node-postgres would ignore "postgres.ssl"; ` +
          `remove ${found.join(', ')} from the URL, or "postgres.ssl"`,
      ];
}

function checkRedis(
  redis: { url?: unknown; tls?: unknown },
  source: (name: string) => string,
): string[] {
  const parsed = parse(redis.url);
  if (parsed?.protocol !== 'rediss:') return [];
  const url = source('redis.url');
  const problems: string[] = [];
  if (redis.tls !== undefined && !redis.tls)
    problems.push(
      `${url} begins with rediss: and "redis.tls" says no, so ioredis would connect without TLS; say redis: in the URL if that is meant, or remove "redis.tls"`,
    );
  if (parsed.searchParams.has('tls'))
    problems.push(
      `${url} has the parameter tls, which ioredis puts before rediss:; give TLS settings as "redis.tls"`,
    );
  if (!String(redis.url).startsWith('rediss://'))
    problems.push(
      `${url} must begin with rediss:// in small letters, or ioredis would connect without TLS`,
    );
  return problems;
}

const parse = (url: unknown): URL | undefined =>
  typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined;
