import { getQueueToken, QueueService } from '@kyu/nestjs';
import { drain, expectEnqueued, withKyuTesting } from '@kyu/testing';
import { Test } from '@nestjs/testing';
import { expectNoMoreThan, openHandles } from '../support/open-handles.js';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';
import { bootEmail } from './boot.js';
import { AppModule, Charge, SendEmail } from './shop.js';

function useServers(postgres = '', redis = ''): void {
  process.env['KYU_POSTGRES_URL'] = postgres;
  process.env['KYU_REDIS_URL'] = redis;
}

it('takes a whole application to servers of the test, each of its queues', async () => {
  useServers(POSTGRES_URL, REDIS_URL);
  const before = await openHandles();
  const module = await withKyuTesting(
    Test.createTestingModule({ imports: [AppModule] }),
    { mode: 'real' },
  ).compile();
  const app = await module.init();
  const queue = app.get(QueueService);
  const billing = app.get<QueueService>(getQueueToken('billing'));
  await queue.enqueue(SendEmail, { to: 'a@x.org' });
  await billing.enqueue(Charge, { cents: 5 });
  expect(await drain(queue)).toMatchObject({ completed: 1 });
  expect(await drain(billing)).toMatchObject({ completed: 1 });
  const [charge] = await expectEnqueued(billing, Charge, { count: 1 });
  expect(charge!.result).toBe('5 taken');
  await app.close();
  await expectNoMoreThan(before);
});

it('starts servers where none are named, and stops them with the last application', async () => {
  useServers();
  for (let round = 0; round < 2; round++) {
    const [one, two] = await Promise.all([
      bootEmail({ mode: 'real' }),
      bootEmail({ mode: 'real', options: { redis: false } }),
    ]);
    await one.queue.enqueue(SendEmail, { to: 'a@x.org' });
    expect(await drain(one.queue)).toMatchObject({ completed: 1 });
    expect(await drain(two.queue)).toMatchObject({ completed: 0 });
    await one.module.close();
    await two.queue.enqueue(SendEmail, { to: 'b@x.org' });
    expect(await drain(two.queue)).toMatchObject({ completed: 1 });
    await two.module.close();
  }
});

it('takes no servers for options that are wrong', async () => {
  useServers(POSTGRES_URL, REDIS_URL);
  const before = await openHandles();
  await expect(
    bootEmail({ mode: 'real', options: { workers: 0 } }),
  ).rejects.toThrow(/expected "workers"/);
  await expectNoMoreThan(before);
});
