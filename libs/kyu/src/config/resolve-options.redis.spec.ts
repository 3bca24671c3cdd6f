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
});
