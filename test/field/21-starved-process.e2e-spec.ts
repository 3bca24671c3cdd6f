import { isolated } from '@kyu/testing';
import { Redis } from 'ioredis';
import { runSql } from '../support/boot-app.js';
import { compileEntry } from '../support/compile-entry.js';
import { runNode } from '../support/run-node.js';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';

describe('field 21: a process whose event loop is blocked again and again', () => {
  const { schema, queueName } = isolated();
  afterAll(async () => {
    await runSql(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
    const redis = new Redis(REDIS_URL);
    await redis.del(queueName, `{${queueName}}:clipped`);
    redis.disconnect();
  });

  it('does not take its own slowness for an outage of Redis', async () => {
    const entry = await compileEntry('test/support/starved-main.ts');
    const { stdout } = await runNode(
      [
        entry,
        JSON.stringify({
          postgres: { url: POSTGRES_URL, schema },
          redis: { url: REDIS_URL },
          queueName,
        }),
      ],
      60_000,
    );
    const lines = JSON.parse(stdout) as string[];
    expect(lines.filter((line) => line.startsWith('Redis at'))).toEqual([]);
  });
});
