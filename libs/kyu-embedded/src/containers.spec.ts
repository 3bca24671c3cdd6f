import { tryContainer } from './containers.js';

describe('tryContainer', () => {
  it('gives the server', async () => {
    const attempt = await tryContainer('Redis', () =>
      Promise.resolve({ url: 'redis://c', stop: () => Promise.resolve('x') }),
    );
    expect(attempt).toMatchObject({
      url: 'redis://c',
      description: 'Redis (container), as a Docker engine answers',
    });
  });

  it.each([
    [
      'no Docker engine answers',
      new Error('Could not find a working container runtime strategy'),
    ],
    [
      'Testcontainers is not installed',
      Object.assign(new Error('Cannot find package'), {
        code: 'ERR_MODULE_NOT_FOUND',
      }),
    ],
    [
      'the container did not start: pull access denied',
      new Error('pull access denied\nmore'),
    ],
  ])('says why there is none: %s', async (why, error) => {
    const attempt = tryContainer('Redis', () => Promise.reject(error));
    expect(await attempt).toEqual({ why });
  });
});
