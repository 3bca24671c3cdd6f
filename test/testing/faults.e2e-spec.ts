import { KyuHealth } from '@kyu/nestjs';
import { drain, expectEnqueued, faults, perform, until } from '@kyu/testing';
import { Client } from 'pg';
import { Redis } from 'ioredis';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';
import { bootEmail } from './boot.js';
import { Flaky, SendEmail } from './shop.js';

beforeAll(() => {
  process.env['KYU_POSTGRES_URL'] = POSTGRES_URL;
  process.env['KYU_REDIS_URL'] = REDIS_URL;
});

it('runs jobs while Redis is down, and when it is back', async () => {
  const { queue, module } = await bootEmail({ mode: 'real' });
  faults(queue).redisDown();
  const health = module.get(KyuHealth);
  await until('Redis to be missed', async () => {
    const { redis } = await health.check();
    return redis === 'down';
  });
  await queue.enqueue(SendEmail, { to: 'a@x.org' });
  expect(await drain(queue)).toMatchObject({ completed: 1 });
  faults(queue).redisUp();
  await until('Redis to be back', async () => {
    const { redis } = await health.check();
    return redis === 'up';
  });
  await queue.enqueue(SendEmail, { to: 'b@x.org' });
  expect(await drain(queue)).toMatchObject({ completed: 1 });
});

it('runs the jobs whose ids a dying worker took along', async () => {
  const { queue } = await bootEmail({ mode: 'real' });
  const crash = faults(queue).crashAfterPop();
  const id = await queue.enqueue(SendEmail, { to: 'a@x.org' });
  expect(await crash).toEqual([id]);
  expect((await queue.inspect(id)).status).toBe('pending');
  await drain(queue);
  expect((await queue.inspect(id)).status).toBe('completed');
});

it('refuses to enqueue while PostgreSQL is down', async () => {
  const { queue } = await bootEmail({ mode: 'real' });
  faults(queue).postgresDown();
  await expect(queue.enqueue(Flaky, { failures: 0 })).rejects.toMatchObject({
    code: 'KYU_POSTGRES_UNAVAILABLE',
  });
  faults(queue).postgresUp();
  await queue.enqueue(Flaky, { failures: 0 });
  await drain(queue);
  const [job] = await expectEnqueued(queue, Flaky, { count: 1 });
  expect(job!.status).toBe('completed');
});

it('performs, drains as a producer, and leaves nothing behind', async () => {
  const { queue, module } = await bootEmail({
    mode: 'real',
    options: { mode: 'producer' },
  });
  await queue.enqueue(SendEmail, { to: 'a@x.org' });
  expect(await perform(queue, Flaky, { failures: 0 })).toBe('after 1');
  const [job] = await expectEnqueued(queue, SendEmail, { count: 1 });
  expect(await drain(queue)).toMatchObject({ claimed: 1, completed: 1 });
  await queue.enqueue('nobodys', null);
  await module.close();
  const client = new Client({ connectionString: POSTGRES_URL });
  await client.connect();
  const { rows } = await client.query(
    'SELECT 1 FROM pg_namespace WHERE nspname = $1',
    [job!.queue],
  );
  await client.end();
  expect(rows).toEqual([]);
  const redis = new Redis(REDIS_URL);
  expect(await redis.exists(job!.queue)).toBe(0);
  redis.disconnect();
});
