import { resolveOptions } from './resolve-options.js';

const DEFAULT = 'redis://localhost:6379';
const ENV = { KYU_REDIS_URL: 'redis://from-env:6379' };

describe('where Redis is', () => {
  it.each([
    ['nothing', undefined],
    ['a url that is undefined: its variable is not set', { url: undefined }],
    ['a url that is empty', { url: '' }],
  ])('is the environment’s or the default for %s', (_, redis) => {
    expect(resolveOptions({ redis }, {}).redis).toEqual({ url: DEFAULT });
    expect(resolveOptions({ redis }, ENV).redis).toEqual({
      url: ENV.KYU_REDIS_URL,
    });
  });

  it('keeps the other options beside a url that is missing', () => {
    expect(
      resolveOptions({ redis: { url: undefined, db: 3 } }, {}).redis,
    ).toEqual({ url: DEFAULT, db: 3 });
    expect(resolveOptions({ redis: { db: 3 } }, ENV).redis).toEqual({
      url: ENV.KYU_REDIS_URL,
      db: 3,
    });
  });

  it.each([
    [{ host: 'redis.internal' }],
    [{ port: 6380 }],
    [{ path: '/run/redis.sock' }],
    [{ sentinels: [{ host: 's', port: 26379 }], name: 'main' }],
    [{ cluster: [{ host: 'c', port: 7000 }] }],
    [{ url: 'redis://named:1' }],
    [false as const],
  ])('is where the options say: %j', (redis) => {
    expect(resolveOptions({ redis }, ENV).redis).toEqual(redis);
  });

  it.each([
    'unix:///run/redis.sock',
    'unix:///run/redis.sock?db=2&username=kyu&password=s3cret',
  ])('may be a socket: %s', (url) => {
    expect(resolveOptions({ redis: { url } }, {}).redis).toEqual({ url });
  });

  it.each([
    'unix://run/redis.sock',
    'unix:///',
    'unix:/run/redis.sock',
    'unix://:s3cret@host/run/redis.sock',
    'unix:///run/redis.sock?tls=true',
  ])('is no socket by %s, and the form that is one is said', (url) => {
    const resolve = () => resolveOptions({ redis: { url } }, {});
    expect(resolve).toThrow(
      'expected "redis.url" to be a path after three slashes, with all else in its query: unix:///run/redis.sock?db=…&username=…&password=…',
    );
    expect(resolve).not.toThrow(/s3cret/);
  });

  const cluster = [{ host: 'c', port: 7000 }];

  it.each(['shop:', '{shop}:', 'a{b}c{', ''])(
    'may be a Cluster with the prefix "%s"',
    (keyPrefix) => {
      const redis = { cluster, options: { keyPrefix } };
      expect(resolveOptions({ redis }, {}).redis).toEqual(redis);
    },
  );

  it.each(['{}shop:', 'a{b', '{{a}}'])(
    'is no Cluster whose prefix "%s" would scatter the keys of a queue',
    (keyPrefix) => {
      const options = [{ keyPrefix }, { redisOptions: { keyPrefix } }];
      for (const each of options)
        expect(() =>
          resolveOptions({ redis: { cluster, options: each } }, {}),
        ).toThrow(/"redis\.options\.keyPrefix" to have no braces/);
    },
  );

  it('says where options beside a Cluster have to be', () => {
    const redis = { cluster, keyPrefix: 'shop:' };
    expect(() => resolveOptions({ redis }, {})).toThrow(
      /"redis\.keyPrefix" does nothing beside "redis\.cluster"; put it into "redis\.options"/,
    );
  });
});
