import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startEmbeddedRedis, type EmbeddedServer } from '@kyu/embedded';
import { KyuHealth } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { Redis } from 'ioredis';
import { startKyu } from '../support/start-kyu.js';

const QUEUE = 'kyu:default';
const GUIDE = readFileSync(join('libs/kyu/docs/redis.md'), 'utf8');

/** The command of the guide, word by word. */
const [, ...words] = /^ACL SETUSER .+$/m.exec(GUIDE)![0].split(' ');
const PASSWORD = words.find((word) => word.startsWith('>'))!.slice(1);

let server: EmbeddedServer;
let admin: Redis;
beforeAll(async () => {
  server = await startEmbeddedRedis();
  admin = new Redis(server.url);
  await admin.call('ACL', ...words);
});
afterAll(async () => {
  admin.disconnect();
  await server.stop();
});

const start = (beside: { schema: string }, mode: 'both' | 'producer') =>
  startKyu({
    beside: { ...beside, queueName: QUEUE },
    options: {
      mode,
      redis: { url: server.url.replace('://', `://kyu:${PASSWORD}@`) },
    },
    handlers: { work: () => undefined },
  });

describe('field 20: the user of the guide about Redis', () => {
  it('runs jobs, fills a window that overflows, waits, and asks for health, without a line of error', async () => {
    const { schema } = await startKyu({ options: { mode: 'producer' } });
    const producer = await start({ schema }, 'producer');
    // As if more waited than the window holds: then staging looks at its tail.
    await admin.zadd(
      QUEUE,
      ...Array.from({ length: 10_000 }).flatMap(() => [1, randomUUID()]),
    );
    for (let i = 0; i < 3; i++) await producer.queue.enqueue('work', null);
    await until('the window to overflow', () =>
      admin.exists(`{${QUEUE}}:clipped`),
    );
    await admin.zremrangebyscore(QUEUE, 1, 1);
    const worker = await start({ schema }, 'both');
    const completed = async (): Promise<number> => {
      const rows = await worker.sql(
        `SELECT 1 FROM jobs WHERE status = 'completed'`,
      );
      return rows.length;
    };
    await until('all to run', async () => (await completed()) === 3);
    await until('the refill to be done', async () => {
      return (await admin.exists(`{${QUEUE}}:clipped`)) === 0;
    });
    for (let i = 4; i <= 6; i++) {
      await producer.queue.enqueue('work', null);
      await until('the job to run', async () => (await completed()) === i);
    }
    await until('the mark', () => admin.exists(`{${QUEUE}}:owner`));
    for (const kyu of [producer, worker]) {
      expect(await kyu.app.get(KyuHealth).check()).toMatchObject({
        status: 'up',
        redis: 'up',
      });
      expect(kyu.logger.messages('warn')).toEqual([]);
      expect(kyu.logger.messages('error')).toEqual([]);
    }
    // What the server has refused, but for how ioredis tells its name to servers that can hear it.
    const refused = (await admin.call('ACL', 'LOG')) as string[][];
    expect(
      refused
        .map((entry) => entry[entry.indexOf('object') + 1])
        .filter((object) => !object!.startsWith('client')),
    ).toEqual([]);
  });
});
