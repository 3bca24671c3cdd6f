import { isolated } from '@kyu/testing';
import { Redis } from 'ioredis';
import { REDIS_URL } from '../support/servers.js';
import { startKyu } from '../support/start-kyu.js';
it('boots beside a foreign key', async () => {
  const beside = isolated();
  const redis = new Redis(REDIS_URL);
  await redis.set(beside.queueName, 'mine');
  try {
    const first = await startKyu({ beside, options: { mode: 'producer' }, handlers: { a: () => 1 } });
    const id = await first.queue.enqueue('a', 1);
    const kyu = await startKyu({ beside, handlers: { a: () => 1 } });
    const settled = kyu.nextEvent('job.settled');
    console.log(JSON.stringify(kyu.logger.lines));
    expect(await settled).toMatchObject({ id });
  } finally { await redis.del(beside.queueName); redis.disconnect(); }
});
