import { jest } from '@jest/globals';
import { startEmbeddedRedis, type EmbeddedServer } from '@kyu/embedded';
import { isolated, until } from '@kyu/testing';
import { Redis } from 'ioredis';
import type { ReadyJob } from '../../libs/kyu/src/ready-queue/ready-queue.js';
import { RedisReadyQueue } from '../../libs/kyu/src/ready-queue/redis.ready-queue.js';
import { uuidV7 } from '../../libs/kyu/src/runtime/uuid-v7.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { MemoryLogger } from '../support/memory-logger.js';

/** Two periods of the mark, on a busy machine. */
const PERIODS_MS = 20_000;
const OWN = 'own-id shop/public.kyu_jobs';
const OTHER = 'other-id test/public.kyu_jobs';

let server: EmbeddedServer;
let redis: Redis;
let queueName: string;
let owner: string;
const queues: RedisReadyQueue[] = [];
beforeAll(async () => {
  server = await startEmbeddedRedis();
  redis = new Redis(server.url);
});
beforeEach(() => {
  ({ queueName } = isolated());
  owner = `{${queueName}}:owner`;
});
afterEach(async () => {
  jest.restoreAllMocks();
  await Promise.all(queues.splice(0).map((queue) => queue.close()));
  await redis.replicaof('NO', 'ONE');
  await redis.config('SET', 'maxmemory', '0');
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

async function open(
  readMark: () => Promise<string>,
  url = server.url,
): Promise<{ queue: RedisReadyQueue; lines: () => string[] }> {
  const logger = new MemoryLogger();
  const queue = new RedisReadyQueue(
    { url },
    queueName,
    logger,
    undefined,
    readMark,
  );
  queues.push(queue);
  await queue.open();
  return { queue, lines: () => logger.lines.map(({ message }) => message) };
}

const job = (): ReadyJob => ({ id: uuidV7(), priority: 0 });
const fill = () => redis.config('SET', 'maxmemory', '1');

/** Whether the server takes an id now. */
const takes = (queue: RedisReadyQueue) =>
  queue.stage([job()]).then(
    () => true,
    () => false,
  );

describe('field 18: the mark of a key, when Redis fails', () => {
  it('a full Redis does not switch the mark off', async () => {
    await fill();
    const { queue, lines } = await open(async () => OWN);
    await until('the outage', () => lines().length > 0);
    expect(lines()).toEqual([
      expect.stringMatching(/cannot be used \(OOM .+PostgreSQL/),
    ]);
    await redis.config('SET', 'maxmemory', '0');
    await until('Redis to be back', () => takes(queue));
    expect(await redis.get(owner)).toBe(OWN);
    expect(lines()).toHaveLength(2);
  });

  it('a full Redis does not cost the owner its key', async () => {
    const { queue, lines } = await open(async () => OWN);
    await fill();
    expect(await takes(queue)).toBe(false);
    await redis.pexpire(owner, 15_000);
    await until(
      'the owner to renew its mark',
      async () => (await redis.pttl(owner)) > 15_000,
      PERIODS_MS,
    );
    expect(await redis.get(owner)).toBe(OWN);
    expect(lines()).toHaveLength(1); // it is still full
  });

  it('a stranger that cannot take the free key has one outage', async () => {
    let connections = 0;
    const name = await FaultProxy.open(server.url, {
      tap: (_, connection) => {
        connections = Math.max(connections, connection);
      },
    });
    try {
      await redis.set(owner, OTHER);
      const { lines } = await open(async () => OWN, name.url);
      expect(lines()).toEqual([
        expect.stringMatching(/^The key .+ belongs to/),
      ]);
      await redis.del(owner);
      // A replica of nothing, which answers what it has.
      await redis.replicaof('127.0.0.1', 1);
      await until('the outage', () => lines().length > 1, PERIODS_MS);
      const before = connections;
      await until('it to connect again', () => connections >= before + 6);
      expect(lines().slice(1)).toEqual([
        expect.stringMatching(/cannot be used \(READONLY/),
      ]);
      await redis.replicaof('NO', 'ONE');
      await until(
        'it to have the key',
        async () => (await redis.get(owner)) === OWN,
        PERIODS_MS,
      );
      await until('it to say so', () => lines().length === 4);
    } finally {
      await name.close();
    }
  });
});

describe('field 18: the database moves, and its tables get another mark', () => {
  const NEW = 'new-id shop/public.kyu_jobs';

  it('the owners take the key along, without a line, and lose no id', async () => {
    let mark = OWN;
    const first = await open(async () => mark);
    const second = await open(async () => mark);
    const waiting = job();
    await first.queue.stage([waiting]);
    mark = NEW;
    const now = performance.now.bind(performance);
    const minute = jest
      .spyOn(performance, 'now')
      .mockImplementation(() => now() + 60_000);
    await until(
      'the key to have the new mark',
      async () => (await redis.get(owner)) === NEW,
      PERIODS_MS,
    );
    minute.mockRestore();
    for (const { queue } of [first, second]) await queue.stage([job()]);
    const popped = await first.queue.pop(3, 0);
    expect(popped).toHaveLength(3);
    expect(popped).toContainEqual(waiting);
    expect([...first.lines(), ...second.lines()]).toEqual([]);
  });

  it('an owner that meets the new mark first knows it', async () => {
    let mark = OWN;
    const { queue, lines } = await open(async () => mark);
    mark = NEW;
    await redis.set(owner, NEW);
    const waiting = job();
    await queue.stage([waiting]);
    expect(await queue.pop(1, 0)).toEqual([waiting]);
    mark = OTHER;
    await redis.set(owner, OTHER);
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await until('it to be connected again', () => takes(queue));
    expect(lines().filter((line) => line.startsWith('The key'))).toEqual([]);
  });
});
