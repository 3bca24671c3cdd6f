import {
  getQueueToken,
  Job,
  KYU_DATA_SOURCE,
  KyuModule,
  QueueService,
} from '@kyu/nestjs';
import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { getDataSourceToken } from '@nestjs/typeorm';
import {
  drain,
  expectEnqueued,
  KyuTestingModule,
  perform,
  withKyuTesting,
} from '@kyu/testing';
import type { DataSource, EntityManager } from 'typeorm';
import {
  AppModule,
  BillingModule,
  Charge,
  EmailModule,
  SendEmail,
} from './shop.js';

/** An application that imports KyuModule itself, twice, and leads to servers that are not there. */
async function bootApp(mode: 'inline' | 'manual') {
  const module = await withKyuTesting(
    Test.createTestingModule({ imports: [AppModule] }),
    { mode },
  ).compile();
  const app = module.createNestApplication({ logger: false });
  await app.listen(0, '127.0.0.1');
  const signUp = async (to: string): Promise<number> => {
    const { status } = await fetch(`${await app.getUrl()}/signups`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ to }),
    });
    return status;
  };
  return {
    app,
    signUp,
    queue: app.get(QueueService),
    billing: app.get<QueueService>(getQueueToken('billing')),
  };
}

it('collects the jobs of each queue, from an HTTP request to their ends', async () => {
  const { app, signUp, queue, billing } = await bootApp('manual');
  expect(await signUp('a@x.org')).toBe(201);
  await expectEnqueued(queue, SendEmail, {
    where: { to: 'a@x.org', subject: 'Welcome' },
    count: 1,
  });
  await expectEnqueued(billing, Charge, { where: { cents: 100 }, count: 1 });
  await expectEnqueued(queue, 'charge', { count: 0 });
  expect(await drain(queue)).toMatchObject({ claimed: 1, completed: 1 });
  expect(await drain(billing)).toMatchObject({ claimed: 1, completed: 1 });
  const [charge] = await expectEnqueued(billing, Charge);
  expect(charge!.result).toBe('100 taken');
  expect(await perform(billing, Charge, { cents: 5 })).toBe('5 taken');
  await app.close();
});

it('runs them inline, and the request fails as the job does', async () => {
  const { app, signUp, queue, billing } = await bootApp('inline');
  expect(await signUp('a@x.org')).toBe(201);
  const [email] = await expectEnqueued(queue, SendEmail);
  expect(email!.status).toBe('completed');
  expect((await expectEnqueued(billing, Charge))[0]!.status).toBe('completed');
  expect(await signUp('spam@x.org')).toBe(403); // what the guard of the handler threw
  await app.close();
});

it('has named registrations beside its modules', async () => {
  const module = await Test.createTestingModule({
    imports: [
      KyuTestingModule.forRoot({ mode: 'manual' }),
      KyuTestingModule.forRoot({ mode: 'manual', name: 'billing' }),
      EmailModule,
      BillingModule,
    ],
  }).compile();
  await module.init();
  const billing = module.get<QueueService>(getQueueToken('billing'));
  await billing.enqueue(Charge, { cents: 1 });
  expect(await drain(billing)).toMatchObject({ completed: 1 });
  await expect(
    module.get(QueueService).enqueue(Charge, { cents: 1 }),
  ).rejects.toThrow(/belong to the queue "billing"/);
  await module.close();
});

it('checks the options as in production', async () => {
  @Module({ imports: [KyuModule.forRoot({ workers: 0 })] })
  class Wrong {}
  await expect(
    withKyuTesting(Test.createTestingModule({ imports: [Wrong] }), {
      mode: 'manual',
    }).compile(),
  ).rejects.toThrow(/expected "workers"/);
});

it.each([{ throwFailures: false }, { manager: {} as EntityManager }])(
  'refuses %j in a mode where it means nothing',
  (option) => {
    const builder = Test.createTestingModule({ imports: [AppModule] });
    expect(() => withKyuTesting(builder, { mode: 'real', ...option })).toThrow(
      /means nothing in mode: 'real'/,
    );
    expect(() => KyuTestingModule.forRoot({ mode: 'real', ...option })).toThrow(
      /means nothing in mode: 'real'/,
    );
  },
);

it("says why there is nothing behind Kyu's own data source", async () => {
  const module = await withKyuTesting(
    Test.createTestingModule({ imports: [AppModule] }),
    { mode: 'manual' },
  ).compile();
  for (const name of [KYU_DATA_SOURCE, `${KYU_DATA_SOURCE}:billing`]) {
    const dataSource = module.get<DataSource>(getDataSourceToken(name));
    for (const call of [
      () => dataSource.query('SELECT 1'),
      () => dataSource.transaction(async () => undefined),
      () => dataSource.getRepository(Job),
      () => dataSource.createQueryRunner(),
    ])
      expect(call).toThrow(/no PostgreSQL in mode 'manual'/);
  }
  await module.close();
});

it('refuses a mode that is none', () => {
  expect(() => KyuTestingModule.forRoot({ mode: 'fake' as 'inline' })).toThrow(
    /'inline', 'manual' or 'real', got: "fake"/,
  );
});
