import { randomBytes } from 'node:crypto';
import { until } from '@kyu/testing';
import { Client } from 'pg';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { openAppDataSource } from '../support/app-database.js';
import { runSql } from '../support/boot-app.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { POSTGRES_URL } from '../support/servers.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'it was stored',
    (error: unknown) => error,
  );

describe('field 15: enqueue({ manager }) without an open transaction', () => {
  let kyu: TestKyu;
  let dataSource: DataSource;
  let runner: QueryRunner;

  beforeEach(async () => {
    kyu = await startKyu({ options: { mode: 'producer' } });
    dataSource = await openAppDataSource();
    runner = dataSource.createQueryRunner();
  });
  afterEach(() => runner.release());

  const expectPlain = async (manager: EntityManager): Promise<void> => {
    const told: string[] = [];
    kyu.events.on('job.enqueued', ({ id }) => told.push(id));
    const ids = [
      await kyu.queue.enqueue('work', null, { manager }),
      ...(await kyu.queue.enqueueMany(
        [
          { type: 'work', payload: 1 },
          { type: 'work', payload: 2 },
        ],
        { manager },
      )),
    ];
    expect(told).toEqual(ids);
    await until('the ids in Redis', async () => {
      const staged = await kyu.redis.zrange(kyu.queueName, 0, -1);
      return staged.length === 3;
    });
  };

  it('of a query runner that began none is an ordinary enqueue, told and staged at once', async () => {
    await expectPlain(runner.manager);
  });

  it('of one whose transaction was committed, too', async () => {
    await runner.startTransaction();
    await kyu.queue.enqueue('work', null, { manager: runner.manager });
    await runner.commitTransaction();
    await kyu.redis.del(kyu.queueName);
    await expectPlain(runner.manager);
  });

  it('of a transaction that has ended and given back its connection is refused, with advice that is right', async () => {
    let kept: EntityManager | undefined;
    await dataSource.transaction(async (manager) => {
      kept = manager;
      await kyu.queue.enqueue('work', 'in', { manager });
    });
    const error = await failureOf(
      kyu.queue.enqueue('work', 'late', { manager: kept! }),
    );
    expect(error).toMatchObject({
      code: 'KYU_INVALID_JOB',
      message: expect.stringMatching(
        /transaction of manager has ended.*without its manager.*not stored/,
      ),
    });
    expect(String(error)).not.toContain('rolled back. Nothing');
    expect(await kyu.sql('SELECT payload FROM jobs')).toEqual([
      { payload: 'in' },
    ]);
  });

  it('in a transaction that has failed says what PostgreSQL says', async () => {
    await runner.query('BEGIN');
    await expect(runner.query('SELECT nonsense')).rejects.toThrow();
    expect(
      await failureOf(
        kyu.queue.enqueue('work', null, { manager: runner.manager }),
      ),
    ).toMatchObject({ code: '25P02' });
    await runner.query('ROLLBACK');
  });
});

describe('field 15: the outcome of a call that failed', () => {
  let proxy: FaultProxy;
  beforeEach(async () => {
    proxy = await FaultProxy.open(POSTGRES_URL);
  });
  afterEach(() => proxy.close());

  it('is "not done" when the connection never opened, however that failed', async () => {
    const kyu = await startKyu({
      options: { mode: 'producer', postgres: { url: proxy.url } },
    });
    proxy.set('cut');
    await until('the pool to be empty', () => proxy.open === 0);
    // Reset while it connects: the same code as of a connection that breaks later.
    const calls = [
      kyu.queue.enqueue('work', null),
      kyu.queue.enqueueMany([{ type: 'work', payload: 1 }]),
    ];
    for (const call of calls)
      expect(await failureOf(call)).toMatchObject({
        code: 'KYU_POSTGRES_UNAVAILABLE',
        outcome: 'not done',
        message: expect.stringContaining('Nothing was stored'),
      });
    proxy.set('none');
    expect(await kyu.sql('SELECT FROM jobs')).toEqual([]);
  });

  it('is "not done", and typed, when the database is gone', async () => {
    const name = `kyu_test_${randomBytes(6).toString('hex')}`;
    await runSql(`CREATE DATABASE ${name}`);
    const url = new URL(POSTGRES_URL);
    url.pathname = `/${name}`;
    const kyu = await startKyu({
      options: { mode: 'producer', postgres: { url: url.href } },
    });
    await runSql(`DROP DATABASE ${name} WITH (FORCE)`);
    await until('the end of its sessions', async () => {
      const error = await failureOf(kyu.queue.enqueue('work', null));
      return String(error).includes('does not exist') && error;
    }).then((error) =>
      expect(error).toMatchObject({
        code: 'KYU_POSTGRES_UNAVAILABLE',
        outcome: 'not done',
      }),
    );
  });

  it('is "not done" for a query runner that gets no connection', async () => {
    const kyu = await startKyu({ options: { mode: 'producer' } });
    const dataSource = await openAppDataSource({ url: proxy.url });
    proxy.set('cut');
    await until('the pool to be empty', () => proxy.open === 0);
    const { manager } = dataSource.createQueryRunner();
    expect(
      await failureOf(kyu.queue.enqueue('work', null, { manager })),
    ).toMatchObject({
      code: 'KYU_POSTGRES_UNAVAILABLE',
      outcome: 'not done',
      message: expect.not.stringContaining('rolled back'),
    });
  });

  it('is "not done" in a transaction whose connection breaks: all of it is rolled back', async () => {
    const kyu = await startKyu({ options: { mode: 'producer' } });
    const dataSource = await openAppDataSource({ url: proxy.url });
    await expect(
      dataSource.transaction(async (manager) => {
        await kyu.queue.enqueue('work', null, { manager });
        proxy.set('deaf');
        const call = kyu.queue.enqueue('work', null, { manager });
        setImmediate(() => proxy.resetAll());
        expect(await failureOf(call)).toMatchObject({
          outcome: 'not done',
          message: expect.stringContaining('try the whole of it again'),
        });
        throw new Error('on purpose');
      }),
    ).rejects.toThrow();
    expect(await kyu.sql('SELECT FROM jobs')).toEqual([]);
  });
});

describe('field 15: enqueue({ client })', () => {
  let kyu: TestKyu;
  let proxy: FaultProxy;
  let client: Client;

  beforeEach(async () => {
    kyu = await startKyu({ options: { mode: 'producer' } });
    proxy = await FaultProxy.open(POSTGRES_URL);
    client = new Client({ connectionString: proxy.url });
    client.on('error', () => undefined);
    await client.connect();
  });
  afterEach(async () => {
    await client.end().catch(() => undefined);
    await proxy.close();
  });

  it('whose answer is lost does not claim a rollback that Kyu cannot see', async () => {
    proxy.set('deaf'); // in no transaction: what is sent commits by itself
    const call = kyu.queue.enqueue('work', null, { client });
    await until(
      'the row',
      async () => (await kyu.sql('SELECT FROM jobs')).length === 1,
    );
    proxy.resetAll();
    expect(await failureOf(call)).toMatchObject({
      code: 'KYU_POSTGRES_UNAVAILABLE',
      outcome: 'unknown',
      message: expect.stringMatching(
        /If its transaction was open, .*Without an open transaction the job may have been stored/,
      ),
    });
  });

  it('that was closed after its commit stored nothing more, and nothing is said to be rolled back', async () => {
    await client.query('BEGIN');
    await kyu.queue.enqueue('work', 'in', { client });
    await client.query('COMMIT');
    await client.end();
    expect(
      await failureOf(kyu.queue.enqueue('work', 'late', { client })),
    ).toMatchObject({
      code: 'KYU_POSTGRES_UNAVAILABLE',
      outcome: 'not done',
      message: expect.not.stringContaining('rolled back'),
    });
    expect(await kyu.sql('SELECT payload FROM jobs')).toEqual([
      { payload: 'in' },
    ]);
  });
});
