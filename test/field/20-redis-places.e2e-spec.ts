import { until } from '@kyu/testing';
import { Redis } from 'ioredis';
import type { KyuRedisOptions } from '@kyu/nestjs';
import { NativeRedis, needsRedisServer } from '../support/native-redis.js';
import { startKyu } from '../support/start-kyu.js';

const { it, note } = needsRedisServer;

const servers: NativeRedis[] = [];
async function serve(settings?: Record<string, string>): Promise<NativeRedis> {
  const server = await NativeRedis.start(settings);
  servers.push(server);
  return server;
}
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

/** The ids of a producer are under `key`, and a worker that waits for an id gets one, without a warning. */
async function useBy(
  redis: KyuRedisOptions,
  admin: Redis,
  keyOf: (queueName: string) => string,
): Promise<void> {
  try {
    const options = { redis };
    const producer = await startKyu({
      options: { ...options, mode: 'producer' },
    });
    const id = await producer.queue.enqueue('work', null);
    await until('the id to be in Redis', () =>
      admin.zscore(keyOf(producer.queueName), id),
    );
    const worker = await startKyu({
      beside: producer,
      options,
      handlers: { work: () => undefined },
    });
    await until(
      'the job to run',
      async () => (await worker.queue.inspect(id)).status === 'completed',
    );
    const settled = worker.nextEvent('job.settled');
    await producer.queue.enqueue('work', null);
    await settled;
    for (const kyu of [producer, worker])
      expect(kyu.logger.messages('warn')).toEqual([]);
  } finally {
    admin.disconnect();
  }
}

describe('field 20: where Redis may be', () => {
  it.each([
    ['in its options', (keyPrefix: string) => ({ keyPrefix })],
    [
      'in those of its nodes',
      (keyPrefix: string) => ({ redisOptions: { keyPrefix } }),
    ],
  ])(`a Cluster with a keyPrefix %s${note}`, async (_, options) => {
    const server = await serve({
      '--cluster-enabled': 'yes',
      '--cluster-announce-ip': '127.0.0.1',
    });
    const admin = new Redis(server.url);
    await admin.cluster('ADDSLOTSRANGE', 0, 16_383);
    await until('the Cluster to be up', async () =>
      /cluster_state:ok/.test(await admin.cluster('INFO')),
    );
    admin.disconnect();
    for (const keyPrefix of ['shop:', '{shop}:'])
      await useBy(
        {
          cluster: [{ host: '127.0.0.1', port: server.port }],
          options: options(keyPrefix),
        },
        new Redis(server.url),
        (queueName) => keyPrefix + queueName,
      );
  });

  it(`a socket, by unix:// with database and password${note}`, async () => {
    const server = await serve();
    const admin = new Redis(server.port, { db: 3 });
    await admin.config('SET', 'requirepass', 's3cret');
    await useBy(
      { url: `unix://${server.socket}?db=3&password=s3cret` },
      admin,
      (queueName) => queueName,
    );
  });
});
