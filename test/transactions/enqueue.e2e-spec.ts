import { InvalidJobError } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { jest } from '@jest/globals';
import { Redis } from 'ioredis';
import type { DataSource } from 'typeorm';
import { createOrders, openAppDataSource } from '../support/app-database.js';
import { REDIS_URL } from '../support/servers.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

class OnPurpose extends Error {}

describe.each([
  ["beside Kyu's own connections", false],
  ['lent to Kyu', true],
])('enqueue({ manager }), with a DataSource %s', (_, lent) => {
  let dataSource: DataSource;
  let kyu: TestKyu;
  let orders: string;
  let ran: string[];

  beforeEach(async () => {
    ran = [];
    dataSource = await openAppDataSource();
    kyu = await startKyu({
      handlers: { work: (name: string) => void ran.push(name) },
      options: lent ? { postgres: { url: undefined, dataSource } } : {},
    });
    orders = await createOrders(kyu);
  });

  const staged = (): Promise<string[]> =>
    kyu.redis.zrange(kyu.queueName, 0, -1);
  const names = async (): Promise<unknown[]> =>
    (await kyu.sql<{ payload: unknown }>('SELECT payload FROM jobs')).map(
      ({ payload }) => payload,
    );
  /** A job that runs last shows that no other waits. */
  const runOneMore = async (): Promise<void> => {
    await kyu.queue.enqueue('work', 'last', { priority: -1 });
    await until('the last job', () => ran.includes('last'));
  };

  it('stores the job with the commit, and not before', async () => {
    const enqueued = kyu.nextEvent('job.enqueued');
    let told = false;
    void enqueued.then(() => (told = true));
    const settled = kyu.nextEvent('job.settled');
    const id = await dataSource.transaction(async (manager) => {
      await manager.query(`INSERT INTO ${orders} VALUES (1)`);
      const id = await kyu.queue.enqueue('work', 'in', { manager });
      expect(await names()).toEqual([]);
      expect(await staged()).toEqual([]);
      expect(told).toBe(false);
      return id;
    });
    expect(await enqueued).toMatchObject({ id, status: 'pending' });
    expect(await settled).toMatchObject({ id, status: 'completed' });
    expect(ran).toEqual(['in']);
  });

  it('leaves nothing of a transaction that rolls back, in Redis neither', async () => {
    const watcher = new Redis(REDIS_URL);
    const monitor = await watcher.monitor();
    const commands: string[] = [];
    monitor.on('monitor', (_, args: string[]) => commands.push(args.join(' ')));
    try {
      let id = '';
      const rolledBack = dataSource.transaction(async (manager) => {
        id = await kyu.queue.enqueue('work', 'gone', { manager });
        throw new OnPurpose();
      });
      await expect(rolledBack).rejects.toThrow(OnPurpose);
      await runOneMore();
      expect(ran).toEqual(['last']);
      expect(await names()).toEqual(['last']);
      // The watcher is told of it later than the worker.
      await until('the watcher to see the last one staged', () =>
        commands.some((each) => each.includes(kyu.queueName)),
      );
      expect(commands.filter((each) => each.includes(id))).toEqual([]);
    } finally {
      monitor.disconnect();
      watcher.disconnect();
    }
  });

  it('follows savepoints, two deep', async () => {
    await dataSource.transaction(async (outer) => {
      await kyu.queue.enqueue('work', 'outer', { manager: outer });
      await outer.transaction(async (kept) => {
        await kyu.queue.enqueue('work', 'kept', { manager: kept });
        await kept
          .transaction(async (dropped) => {
            await kyu.queue.enqueue('work', 'dropped', { manager: dropped });
            throw new OnPurpose();
          })
          .catch(() => undefined);
        await kept.transaction(async (deep) => {
          await kyu.queue.enqueue('work', 'deep', { manager: deep });
        });
        expect(await staged()).toEqual([]);
      });
      await outer
        .transaction(async (lost) => {
          await lost.transaction(async (inside) => {
            await kyu.queue.enqueue('work', 'released, then dropped', {
              manager: inside,
            });
          });
          throw new OnPurpose();
        })
        .catch(() => undefined);
      expect(await staged()).toEqual([]);
    });
    await runOneMore();
    expect([...ran].sort()).toEqual(['deep', 'kept', 'last', 'outer']);
  });

  it('stages nothing when nested jobs were kept and the whole was rolled back', async () => {
    const rolledBack = dataSource.transaction(async (outer) => {
      await outer.transaction(async (inside) => {
        await kyu.queue.enqueue('work', 'gone', { manager: inside });
      });
      throw new OnPurpose();
    });
    await expect(rolledBack).rejects.toThrow(OnPurpose);
    await runOneMore();
    expect(ran).toEqual(['last']);
  });

  it('stages nothing when COMMIT turns out to be a rollback after an error that was swallowed', async () => {
    const events: string[] = [];
    kyu.events.on('job.enqueued', ({ id }) => events.push(id));
    const id = await dataSource.transaction(async (manager) => {
      const id = await kyu.queue.enqueue('work', 'gone', { manager });
      await manager.query('SELECT 1 / 0').catch(() => undefined);
      return id;
    });
    expect(events).toEqual([]);
    await runOneMore();
    expect(events).not.toContain(id);
    expect(ran).toEqual(['last']);
  });

  it('stages nothing when COMMIT itself fails', async () => {
    const events: string[] = [];
    kyu.events.on('job.enqueued', ({ id }) => events.push(id));
    const refused = dataSource.transaction(async (manager) => {
      await kyu.queue.enqueue('work', 'gone', { manager });
      await manager.query(`INSERT INTO ${orders} VALUES (1, 2)`);
    });
    await expect(refused).rejects.toThrow(/foreign key/);
    expect(events).toEqual([]);
    expect(await names()).toEqual([]);
  });

  it('works with a QueryRunner made by hand, one transaction after the other', async () => {
    const runner = dataSource.createQueryRunner();
    try {
      await runner.startTransaction();
      await kyu.queue.enqueue('work', 'gone', { manager: runner.manager });
      await runner.rollbackTransaction();
      await runner.startTransaction();
      await kyu.queue.enqueue('work', 'in', { manager: runner.manager });
      expect(await staged()).toEqual([]);
      await runner.commitTransaction();
      await until('the job', () => ran.includes('in'));
      await runner.startTransaction();
      await runner.commitTransaction();
    } finally {
      await runner.release();
    }
    await runOneMore();
    expect(ran).toEqual(['in', 'last']);
  });

  it('stores many, with their options', async () => {
    const due = new Date(Date.now() + 3_600_000);
    const settled = kyu.nextEvent('job.settled');
    const ids = await dataSource.transaction((manager) =>
      kyu.queue.enqueueMany(
        [
          { type: 'work', payload: 'now', priority: 7, timeout: '5s' },
          { type: 'later', payload: { a: '"\\\u0000' }, scheduledAt: due },
        ],
        { manager },
      ),
    );
    await settled;
    expect(await kyu.queue.inspect(ids[0]!)).toMatchObject({
      priority: 7,
      timeoutMs: 5_000,
      status: 'completed',
    });
    expect(await kyu.queue.inspect(ids[1]!)).toMatchObject({
      payload: { a: '"\\\u0000' },
      status: 'scheduled',
      scheduledAt: due,
    });
  });

  it('refuses what is invalid before it asks the database anything', async () => {
    const runner = dataSource.createQueryRunner();
    try {
      await runner.startTransaction();
      const { manager } = runner;
      const query = jest.spyOn(runner, 'query');
      const refused = [
        kyu.queue.enqueue('', null, { manager }),
        kyu.queue.enqueue('work', undefined, { manager }),
        kyu.queue.enqueue('work', null, { manager, priority: 1.5 }),
        kyu.queue.enqueueMany([{ type: '', payload: null }], { manager }),
        kyu.queue.enqueueMany(
          [{ type: 'work', payload: null }],
          manager as never,
        ),
        kyu.queue.enqueueMany([
          { type: 'work', payload: null, manager } as never,
        ]),
        kyu.queue.enqueue('work', null, {
          manager,
          client: { query: () => Promise.resolve() },
        }),
      ];
      for (const each of refused)
        await expect(each).rejects.toThrow(InvalidJobError);
      expect(query).not.toHaveBeenCalled();
      await runner.rollbackTransaction();
    } finally {
      await runner.release();
    }
  });

  it('makes the commit wait for the disk, whatever the session says', async () => {
    const shown = async (setting: string): Promise<unknown> =>
      dataSource.transaction(async (manager) => {
        await manager.query(`SET LOCAL synchronous_commit = '${setting}'`);
        await kyu.queue.enqueue('later', null, { manager });
        const [row] = await manager.query<{ synchronous_commit: string }[]>(
          'SHOW synchronous_commit',
        );
        return row!.synchronous_commit;
      });
    expect(await shown('off')).toBe('on');
    expect(await shown('local')).toBe('on');
    expect(await shown('remote_apply')).toBe('remote_apply');
  });

  it('gives the job a commit of its own when the manager is in no transaction', async () => {
    await kyu.queue.enqueue('work', 'in', { manager: dataSource.manager });
    await until('the job', () => ran.length > 0);
    expect(ran).toEqual(['in']);
  });

  it('keeps to a transaction that was begun behind the back of TypeORM', async () => {
    const runner = dataSource.createQueryRunner();
    try {
      await runner.query('BEGIN');
      await kyu.queue.enqueue('work', 'gone', { manager: runner.manager });
      await runner.query('ROLLBACK');
      await runner.query('BEGIN');
      const id = await kyu.queue.enqueue('work', 'in', {
        manager: runner.manager,
      });
      expect(await names()).toEqual([]);
      await runner.query('COMMIT');
      await kyu.queue.stage(id);
    } finally {
      await runner.release();
    }
    await until('the job', () => ran.includes('in'));
    await runOneMore();
    expect(ran).toEqual(['in', 'last']);
  });
});
