import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { redisBinary, type RedisEngine } from './redis-engine.js';

describe('redisBinary', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'kyu-engine-'));
  const binary = path.join(folder, 'redis-server');
  const withRedis = { PATH: [folder, '/nowhere'].join(path.delimiter) };
  const without = { PATH: '/nowhere' };

  beforeAll(() => {
    writeFileSync(binary, '');
    chmodSync(binary, 0o755);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is the one on the PATH if there is one', () => {
    expect(redisBinary(undefined, withRedis)).toBe(binary);
    expect(redisBinary(undefined, without)).toBeUndefined();
  });

  it('follows the environment, and the option before it', () => {
    const env = { ...withRedis, KYU_EMBEDDED_REDIS: 'wasm' };
    expect(redisBinary(undefined, env)).toBeUndefined();
    expect(redisBinary('native', env)).toBe(binary);
  });

  it('takes an empty variable for none', () => {
    const env = { ...without, KYU_EMBEDDED_REDIS: '' };
    expect(redisBinary(undefined, env)).toBeUndefined();
  });

  it('says what to do if there is none', () => {
    expect(() => redisBinary('native', without)).toThrow(
      'There is no redis-server on the PATH. Install Redis, or take the one in WebAssembly: ' +
        "engine: 'wasm' or KYU_EMBEDDED_REDIS=wasm.",
    );
  });

  it('refuses other values', () => {
    const env = { ...withRedis, KYU_EMBEDDED_REDIS: 'docker' };
    expect(() => redisBinary(undefined, env)).toThrow(
      /^expected "KYU_EMBEDDED_REDIS" to be "native" .* or "wasm" .*, got: "docker"$/,
    );
    expect(() => redisBinary('redis' as RedisEngine, env)).toThrow(
      /^expected "engine" .* got: "redis"$/,
    );
  });
});
