import { isolated, until } from '@kyu/testing';
import { Redis } from 'ioredis';
import type { ReadyJob } from '../../libs/kyu/src/ready-queue/ready-queue.js';
import { RedisReadyQueue } from '../../libs/kyu/src/ready-queue/redis.ready-queue.js';
import { uuidV7 } from '../../libs/kyu/src/runtime/uuid-v7.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { REDIS_URL } from '../support/servers.js';
import { describeReadyQueue } from './ready-queue.contract.js';

/** These tests hand over whole windows, ten thousand ids at once, on a busy machine: a slow answer is not what they are about. */
const PATIENT_MS = 10_000;

async function open(queueName: string): Promise<RedisReadyQueue> {
  const queue = new RedisReadyQueue(
    { url: REDIS_URL },
    queueName,
    new MemoryLogger(),
    PATIENT_MS,
  );
  await queue.open();
  return queue;
}

describeReadyQueue('RedisReadyQueue', open);

describe('the window of RedisReadyQueue', () => {
  let redis: Redis;
  let queue: RedisReadyQueue;
  let queueName: string;

  beforeEach(async () => {
    ({ queueName } = isolated());
    redis = new Redis(REDIS_URL);
    queue = await open(queueName);
  });
  afterEach(async () => {
    await redis.del(queueName, `{${queueName}}:clipped`);
    await queue.close();
    redis.disconnect();
  });

  const jobs = (count: number, priority = 0): ReadyJob[] =>
    Array.from({ length: count }, () => ({ id: uuidV7(), priority }));

  it('is never larger than its limit, whatever is staged', async () => {
    for (let i = 0; i < 3; i++) await queue.stage(jobs(queue.window));
    expect(await redis.zcard(queueName)).toBe(queue.window);
  });

  it('keeps the best when it is cut', async () => {
    await queue.stage(jobs(queue.window));
    const urgent = jobs(1, 10);
    await queue.stage(urgent);
    expect(await queue.pop(1, 0)).toEqual(urgent);
  });

  it('turns away what would overtake older jobs that are not in it', async () => {
    const older = jobs(queue.window + 10); // ten of them are only in Postgres
    await queue.stage(older);
    const newer = jobs(1);
    await queue.pop(100, 0); // there is room again
    await queue.stage(newer);
    expect(await redis.zscore(queueName, newer[0]!.id)).toBeNull();
  });

  it('takes everything again after a refill that held all there was', async () => {
    await queue.stage(jobs(queue.window + 1));
    await queue.pop(queue.window, 0);
    expect(await queue.refill([], true)).toBe(true); // what was turned away meanwhile needs another look
    expect(await queue.refill([], true)).toBe(false);
    const newer = jobs(1);
    await queue.stage(newer);
    expect(await queue.pop(1, 0)).toEqual(newer);
  });

  it('calls for a refill when it runs low while more jobs wait', async () => {
    const tails: unknown[] = [];
    queue.onLow = (tail) => tails.push(tail);
    const all = jobs(queue.window + 1);
    await queue.stage(all);
    await queue.pop(10, 0);
    expect(tails).toEqual([]); // still most of them
    await queue.pop(queue.window * 0.8, 0);
    expect(tails).toEqual([all[queue.window - 1]]); // to go on behind it
    await queue.pop(queue.window, 0);
    expect(tails.slice(1)).toEqual([undefined]);
  });

  it('does not call for a refill when it holds all there is', async () => {
    let calls = 0;
    queue.onLow = () => calls++;
    await queue.stage(jobs(3));
    await queue.pop(3, 0);
    expect(calls).toBe(0);
  });

  it('puts back the jobs that stood beside forged members', async () => {
    const [job] = jobs(1, 3);
    await queue.stage([job!]);
    const [infinite] = jobs(1);
    await redis.zadd(queueName, '-inf', infinite!.id);
    await redis.zadd(queueName, 'inf', 'a,b,c');
    const popped = await queue.pop(3, 0);
    expect(popped).toHaveLength(3);
    await queue.putBack(popped as ReadyJob[]);
    expect(await redis.zrange(queueName, 0, -1)).toEqual([job!.id]);
    expect(await queue.pop(3, 0)).toEqual([job]);
  });

  it('survives a key of another type: somebody else’s data is an outage, not a crash', async () => {
    await redis.set(queueName, 'a string');
    await expect(queue.stage(jobs(1))).rejects.toThrow(/WRONGTYPE/);
    const popped = await queue.pop(1, 10);
    expect(typeof popped).toBe('symbol'); // look in Postgres
    await redis.del(queueName);
    const [job] = jobs(1);
    // The breaker is open for a moment; then the next call finds that all is well.
    await until('the queue to be used again', () =>
      queue.stage([job!]).then(
        () => true,
        () => false,
      ),
    );
    expect(await queue.pop(1, 0)).toEqual([job]);
  });
});
