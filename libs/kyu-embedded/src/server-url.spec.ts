import { placeOf, POSTGRES_URL, REDIS_URL, urlFromEnv } from './server-url.js';

describe('urlFromEnv', () => {
  it('gives the URL, or none', () => {
    const url = 'postgresql://me:secret@db/jobs';
    expect(urlFromEnv(POSTGRES_URL, { KYU_POSTGRES_URL: url })).toBe(url);
    expect(urlFromEnv(POSTGRES_URL, {})).toBeUndefined();
    expect(urlFromEnv(REDIS_URL, { KYU_REDIS_URL: '' })).toBeUndefined();
  });

  it('says what it wants if it is no URL, without repeating it', () => {
    const env = { KYU_POSTGRES_URL: 'secret at db' };
    expect(() => urlFromEnv(POSTGRES_URL, env)).toThrow(
      'expected "KYU_POSTGRES_URL" to be like postgres://user:password@localhost:5432/database, ' +
        'but it is not a URL. Correct it, or unset it to get an embedded server.',
    );
    expect(() => urlFromEnv(POSTGRES_URL, env)).not.toThrow(/secret/);
  });

  it('says so if the URL is of something else', () => {
    const env = { KYU_REDIS_URL: 'http://localhost:6379' };
    expect(() => urlFromEnv(REDIS_URL, env)).toThrow(
      /but its scheme is "http:"/,
    );
  });
});

describe('placeOf', () => {
  it.each([
    ['postgres://me:secret@db.example:5433/jobs', 'db.example:5433/jobs'],
    ['redis://:secret@localhost/', 'localhost'],
    ['postgres:///jobs', 'localhost/jobs'],
  ])('%s', (url, place) => {
    expect(placeOf(url)).toBe(place);
  });
});
