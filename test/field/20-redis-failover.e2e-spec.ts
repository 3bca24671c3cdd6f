import { startEmbeddedRedis, type EmbeddedServer } from '@kyu/embedded';
import { until } from '@kyu/testing';
import { Redis } from 'ioredis';
import { FaultProxy } from '../support/fault-proxy.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

let old: EmbeddedServer;
let promoted: EmbeddedServer;
let name: FaultProxy;
beforeAll(async () => {
  [old, promoted] = await Promise.all([
    startEmbeddedRedis(),
    startEmbeddedRedis(),
  ]);
  name = await FaultProxy.open(old.url);
});
afterAll(async () => {
  await name.close();
  await Promise.all([old.stop(), promoted.stop()]);
});

const lines = (kyu: TestKyu): string[] =>
  kyu.logger.lines
    .map(({ message }) => message)
    .filter((line) => line.startsWith('Redis at'));

/** How often the server was asked to wait for an id. */
async function waits(redis: Redis): Promise<number> {
  const stats = await redis.info('commandstats');
  return Number(/cmdstat_bzpopmin:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

describe('field 20: a failover by name, whose old master becomes a replica', () => {
  it('has every connection go to the new master, and is one outage', async () => {
    const options = { redis: { url: name.url } };
    const worker = await startKyu({
      options,
      handlers: { work: () => undefined },
    });
    const producer = await startKyu({
      beside: worker,
      options: { ...options, mode: 'producer' },
    });
    const run = async (): Promise<void> => {
      const settled = worker.nextEvent('job.settled');
      await producer.queue.enqueue('work', null);
      await settled;
    };
    await run();

    const [oldMaster, newMaster] = [old, promoted].map(
      ({ url }) => new Redis(url),
    ) as [Redis, Redis];
    try {
      name.retarget(promoted.url);
      const { port } = new URL(promoted.url);
      await oldMaster.replicaof('127.0.0.1', port);
      await until('both to be back', async () => {
        await run();
        return [worker, producer].every((kyu) =>
          lines(kyu).some((line) => line.endsWith('is back.')),
        );
      });
      await until('the worker to wait there', async () => {
        await run();
        return (await waits(newMaster)) > 0;
      });
      const before = await waits(newMaster);
      for (let i = 0; i < 5; i++) await run();
      await until(
        'the worker to wait there for each job',
        async () => (await waits(newMaster)) >= before + 5,
      );
      for (const kyu of [worker, producer]) {
        expect(lines(kyu)).toHaveLength(2);
        expect(kyu.logger.messages('warn')).toEqual([
          expect.stringMatching(/READONLY|UNBLOCKED/),
        ]);
      }
    } finally {
      oldMaster.disconnect();
      newMaster.disconnect();
    }
  });
});
