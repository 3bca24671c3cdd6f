import { randomBytes } from 'node:crypto';
import { InvalidJobError, migrateKyu } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import type { EntityManager } from 'typeorm';
import { AfterCommit } from '../../libs/kyu/src/store/after-commit.js';
import { ReadyQueue } from '../../libs/kyu/src/ready-queue/ready-queue.js';
import { openAppDataSource } from '../support/app-database.js';
import { runSql } from '../support/boot-app.js';
import { Gate } from '../support/gate.js';
import { POSTGRES_URL } from '../support/servers.js';
import { startKyu } from '../support/start-kyu.js';

describe('enqueue({ manager }): the DataSource', () => {
  it('is listened to once, however many share it', async () => {
    const dataSource = await openAppDataSource();
    const options = { postgres: { url: undefined, dataSource } };
    const one = await startKyu({ options });
    const two = await startKyu({ options });
    const runs: string[] = [];
    one.queue.register('work', () => void runs.push('one'));
    two.queue.register('work', () => void runs.push('two'));
    for (let i = 0; i < 2; i++)
      await dataSource.transaction(async (manager) => {
        await one.queue.enqueue('work', null, { manager });
        await two.queue.enqueue('work', null, { manager });
      });
    await until('all runs', () => runs.length === 4);
    expect(runs.sort()).toEqual(['one', 'one', 'two', 'two']);
    expect(
      dataSource.subscribers.filter((each) => each instanceof AfterCommit),
    ).toHaveLength(1);
  });

  it('may have a single connection, which the hook leaves to the caller', async () => {
    const dataSource = await openAppDataSource({ poolSize: 1 });
    const kyu = await startKyu({
      options: {
        mode: 'producer',
        postgres: { url: undefined, dataSource },
      },
    });
    const id = await dataSource.transaction((manager) =>
      kyu.queue.enqueue('work', null, { manager }),
    );
    await until('the id in Redis', async () =>
      (await kyu.redis.zrange(kyu.queueName, 0, -1)).includes(id),
    );
  });

  it('has staged what was committed when the application is closed', async () => {
    const dataSource = await openAppDataSource();
    const kyu = await startKyu({ options: { mode: 'producer' } });
    const readyQueue = kyu.app.get(ReadyQueue);
    const stage = readyQueue.stage.bind(readyQueue);
    const gate = new Gate();
    readyQueue.stage = (jobs) => gate.wait().then(() => stage(jobs));
    const id = await dataSource.transaction((manager) =>
      kyu.queue.enqueue('work', null, { manager }),
    );
    await until('the staging', () => gate.arrivals === 1);
    const closed = kyu.close();
    setImmediate(() => gate.open());
    await closed;
    expect(await kyu.redis.zrange(kyu.queueName, 0, -1)).toEqual([id]);
  });

  it('may commit after the application was closed', async () => {
    const dataSource = await openAppDataSource();
    const kyu = await startKyu({ options: { mode: 'producer' } });
    const id = await dataSource.transaction(async (manager) => {
      const id = await kyu.queue.enqueue('work', null, { manager });
      await kyu.close();
      return id;
    });
    expect(await kyu.sql('SELECT id, status FROM jobs')).toEqual([
      { id, status: 'pending' },
    ]);
  });

  it('of another database is refused, and the transaction can go on', async () => {
    const name = `kyu_test_${randomBytes(6).toString('hex')}`;
    await runSql(`CREATE DATABASE ${name}`);
    const url = new URL(POSTGRES_URL);
    url.pathname = `/${name}`;
    try {
      const kyu = await startKyu();
      const elsewhere = await openAppDataSource({ url: url.href });
      const attempt = (): Promise<void> =>
        elsewhere.transaction(async (manager) => {
          await expect(
            kyu.queue.enqueue('work', null, { manager }),
          ).rejects.toThrow(InvalidJobError);
          await manager.query('SELECT 1');
        });
      await attempt();
      // With tables of the same names the job would be stored, and nobody would ever run it.
      await migrateKyu({ url: url.href, schema: kyu.schema });
      await attempt();
      expect(
        await runSql(`SELECT id FROM "${kyu.schema}".kyu_jobs`, [], url.href),
      ).toEqual([]);
      await elsewhere.destroy();
    } finally {
      await runSql(`DROP DATABASE ${name} WITH (FORCE)`);
    }
  });

  it('must be one of PostgreSQL', async () => {
    const kyu = await startKyu({ options: { mode: 'producer' } });
    const manager = {
      dataSource: { options: { type: 'mysql' } },
    } as EntityManager;
    await expect(kyu.queue.enqueue('work', null, { manager })).rejects.toThrow(
      /"postgres".*"mysql"/,
    );
    await expect(
      kyu.queue.enqueue('work', null, { manager: {} as EntityManager }),
    ).rejects.toThrow(/EntityManager/);
    expect(await kyu.sql('SELECT id FROM jobs')).toEqual([]);
  });
});
