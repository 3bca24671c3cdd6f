import { once } from 'node:events';
import { connect } from 'node:net';
import { jest } from '@jest/globals';
import { getQueueToken, KYU_DATA_SOURCE, QueueService } from '@kyu/nestjs';
import {
  drain,
  expectEnqueued,
  faults,
  isolated,
  KyuTestingModule,
  perform,
  withKyuTesting,
} from '@kyu/testing';
import { Test } from '@nestjs/testing';
import { getDataSourceToken } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { RealServers } from '../../libs/kyu-testing/src/real/real-servers.js';
import { TcpProxy } from '../../libs/kyu-testing/src/real/tcp-proxy.js';
import { expectNoMoreThan, openHandles } from '../support/open-handles.js';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';
import { bootEmail } from './boot.js';
import { AppModule, Charge, EmailModule, SendEmail } from './shop.js';

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

it('says that the application has to boot first, as the other modes do', async () => {
  useServers(POSTGRES_URL, REDIS_URL);
  const module = await Test.createTestingModule({
    imports: [KyuTestingModule.forRoot({ mode: 'real' }), EmailModule],
  }).compile();
  const queue = module.get(QueueService);
  await queue.enqueue('forgiven', null);
  await expect(drain(queue)).rejects.toThrow(/await module.init\(\)/);
  await expect(perform(queue, 'forgiven', null)).rejects.toThrow(/init/);
  await module.init();
  expect(await drain(queue)).toMatchObject({ claimed: 1, completed: 1 });
  await module.close();
  await expect(drain(queue)).rejects.toThrow(/closed/);
});

it('gives back the servers of an application that lends its data source', async () => {
  useServers(POSTGRES_URL, REDIS_URL);
  const { schema } = isolated();
  const dataSource = await new DataSource({
    type: 'postgres',
    url: POSTGRES_URL,
    installExtensions: false,
  }).initialize();
  const { queue, module } = await bootEmail({
    mode: 'real',
    options: { postgres: { dataSource, schema } },
  });
  expect(() => faults(queue).postgresDown()).toThrow(/lends/);
  const release = jest.spyOn(RealServers.prototype, 'release');
  await module.close();
  expect(release).toHaveBeenCalledTimes(1);
  release.mockRestore();
  await dataSource.query(`DROP SCHEMA "${schema}" CASCADE`);
  await dataSource.destroy();
});

it('gives back the servers even if the schema cannot be dropped', async () => {
  useServers(POSTGRES_URL, REDIS_URL);
  const before = await openHandles();
  const { module } = await bootEmail({ mode: 'real' });
  const dataSource = module.get<DataSource>(
    getDataSourceToken(KYU_DATA_SOURCE),
  );
  const query = dataSource.query.bind(dataSource);
  const drop = jest
    .spyOn(dataSource, 'query')
    .mockImplementationOnce(async (statement) => {
      await query(statement);
      throw new Error('on purpose');
    });
  module.useLogger(false);
  await module.close();
  expect(drop).toHaveBeenCalledTimes(1);
  expect(dataSource.isInitialized).toBe(false);
  await expectNoMoreThan(before);
});

it('holds no process by its wires', async () => {
  const before = await openHandles();
  const proxy = await TcpProxy.open(POSTGRES_URL);
  const client = connect(Number(new URL(proxy.url).port), '127.0.0.1').unref();
  await once(client, 'connect');
  client.write(Buffer.from('0000000804d2162f', 'hex')); // asks for TLS; the answer says that both halves of the wire are there
  await Promise.race([once(client.ref(), 'data'), once(client, 'close')]);
  client.unref();
  expect(await expectNoMoreThan(before)).toBeUndefined();
  client.destroy();
  await proxy.close();
});

it('ends for jobs that enqueue themselves, and counts anew after that', async () => {
  useServers(POSTGRES_URL, REDIS_URL);
  // Many at once share their commits, of which each waits for the disk.
  const options = { workers: 200 };
  const { queue } = await bootEmail({ mode: 'real', options });
  let again = true;
  queue.register('again', async () => {
    if (again) await queue.enqueue('again', null);
  });
  const some = Array.from({ length: 200 }, () => ({
    type: 'again',
    payload: null,
  }));
  await queue.enqueueMany(some);
  await expect(drain(queue)).rejects.toThrow(/does a job enqueue itself again/);
  again = false;
  expect((await drain(queue)).claimed).toBeLessThan(1_000);
});
