import { jest } from '@jest/globals';
import {
  JobHandler,
  JobManager,
  JobPayload,
  PostgresUnavailableError,
  type JobContext,
  type QueueService,
} from '@kyu/nestjs';
import { drain, expectEnqueued, faults, isolated, perform } from '@kyu/testing';
import { DataSource, type EntityManager } from 'typeorm';
import { POSTGRES_URL } from '../support/servers.js';
import { bootEmail } from './boot.js';
import { SendEmail } from './shop.js';

/** The application's own database may be there in a test; Kyu's tables are not, in the modes without servers. */

const { schema } = isolated();
let dataSource: DataSource;

beforeAll(async () => {
  dataSource = await new DataSource({
    type: 'postgres',
    url: POSTGRES_URL,
    installExtensions: false,
  }).initialize();
  await dataSource.query(`CREATE SCHEMA "${schema}"`);
  await dataSource.query(`CREATE TABLE "${schema}".notes (text text)`);
});
afterAll(async () => {
  await dataSource.query(`DROP SCHEMA "${schema}" CASCADE`);
  await dataSource.destroy();
});

const email = { to: 'a@x.org' };

describe.each(['manual', 'inline'] as const)('mode %s', (mode) => {
  it('has the jobs of a transaction when that has committed', async () => {
    const { queue, log } = await bootEmail({ mode });
    await dataSource.transaction(async (manager) => {
      await queue.enqueue(SendEmail, email, { manager });
      await expectEnqueued(queue, SendEmail, { count: 0 });
      await manager
        .transaction(async (nested) => {
          await queue.enqueue('forgiven', null, { manager: nested });
          throw new Error('on purpose');
        })
        .catch(() => undefined);
    });
    await expectEnqueued(queue, SendEmail, { count: 1 });
    await drain(queue); // inline: waits for those whose enqueue() could not
    expect(log).toEqual(['send a@x.org, attempt 1']);
    await expectEnqueued(queue, 'forgiven', { count: 0 });
  });

  it('has none of one that is rolled back', async () => {
    const { queue } = await bootEmail({ mode });
    await expect(
      dataSource.transaction(async (manager) => {
        await queue.enqueueMany([{ type: SendEmail, payload: email }], {
          manager,
        });
        throw new Error('on purpose');
      }),
    ).rejects.toThrow('on purpose');
    await expectEnqueued(queue, SendEmail, { count: 0 });
  });

  it('sees the ambient transaction', async () => {
    let ambient: EntityManager | undefined;
    const options = { transaction: () => ambient };
    const { queue } = await bootEmail({ mode, options });
    await dataSource
      .transaction(async (manager) => {
        ambient = manager;
        await queue.enqueue(SendEmail, email);
        throw new Error('on purpose');
      })
      .catch(() => undefined);
    expect(await expectEnqueued(queue, SendEmail, { count: 0 })).toEqual([]);
  });

  it('takes a stand-in, or another client, for a transaction that has committed', async () => {
    const { queue } = await bootEmail({ mode });
    const manager = { save: jest.fn() } as unknown as EntityManager;
    const query = jest.fn(async () => undefined);
    await queue.enqueue(SendEmail, email, { manager });
    await queue.enqueue(SendEmail, email, { client: { query } });
    await expectEnqueued(queue, SendEmail, { count: 2 });
    expect(query).not.toHaveBeenCalled();
    await expect(
      queue.enqueue(SendEmail, email, { manager, client: { query } }),
    ).rejects.toThrow(/not both/);
  });
});

it('tells drain() of failures of which no enqueue() could tell', async () => {
  const enqueued = async (throwFailures?: boolean): Promise<QueueService> => {
    const { queue } = await bootEmail({ mode: 'inline', throwFailures });
    await dataSource.transaction((manager) =>
      queue.enqueue('hopeless', null, { manager }),
    );
    return queue;
  };
  await expect(drain(await enqueued())).rejects.toThrow('no retry helps');
  expect(await drain(await enqueued(false))).toMatchObject({ dead: 1 });
});

it('refuses at once while PostgreSQL is down', async () => {
  const { queue } = await bootEmail({ mode: 'manual' });
  await dataSource.transaction(async (manager) => {
    faults(queue).postgresDown();
    await expect(
      queue.enqueue(SendEmail, email, { manager }),
    ).rejects.toBeInstanceOf(PostgresUnavailableError);
    faults(queue).postgresUp();
    await queue.enqueue(SendEmail, email, { manager });
    faults(queue).postgresDown(); // what it has taken, it has
  });
  faults(queue).postgresUp();
  await expectEnqueued(queue, SendEmail, { count: 1 });
});

class Notes {
  @JobHandler('note', { transactional: true, maxRetries: 0 })
  async note(
    @JobPayload() text: string,
    @JobManager() manager: EntityManager,
  ): Promise<void> {
    await manager.query(`INSERT INTO "${schema}".notes VALUES ($1)`, [text]);
    if (text === 'wrong') throw new Error('wrong');
  }
}

const notes = async (): Promise<string[]> => {
  const rows: { text: string }[] = await dataSource.query(
    `DELETE FROM "${schema}".notes RETURNING text`,
  );
  return (rows.flat() as { text?: string }[]).flatMap(({ text }) => text ?? []);
};

it('calls transactional handlers in a transaction of the manager that it was given', async () => {
  const { queue } = await bootEmail(
    { mode: 'manual', manager: dataSource.manager },
    { providers: [Notes] },
  );
  await queue.enqueue('note', 'right');
  await queue.enqueue('note', 'wrong');
  expect(await drain(queue)).toMatchObject({ completed: 1, dead: 1 });
  expect(await notes()).toEqual(['right']);
  await perform(queue, 'note', 'performed');
  await expect(perform(queue, 'note', 'wrong')).rejects.toThrow('wrong');
  expect(await notes()).toEqual(['performed']);
});

it('rolls back what a handler wrote whose job was cancelled meanwhile', async () => {
  const { queue } = await bootEmail({
    mode: 'manual',
    manager: dataSource.manager,
  });
  queue.register(
    'cancelled',
    async (_: unknown, { id, manager }: JobContext) => {
      await manager!.query(`INSERT INTO "${schema}".notes VALUES ('gone')`);
      await queue.enqueue(SendEmail, email, { manager: manager! });
      expect(await queue.cancelJob(id)).toBe('cancelling');
    },
    { transactional: true },
  );
  const id = await queue.enqueue('cancelled', null);
  await drain(queue);
  expect((await queue.inspect(id)).status).toBe('cancelled');
  expect(await notes()).toEqual([]);
  await expectEnqueued(queue, SendEmail, { count: 0 });
});

it('writes by the data source that the application lends', async () => {
  const { queue } = await bootEmail(
    { mode: 'manual', options: { postgres: { dataSource } } },
    { providers: [Notes] },
  );
  await queue.enqueue('note', 'lent');
  expect(await drain(queue)).toMatchObject({ completed: 1 });
  expect(await notes()).toEqual(['lent']);
});

it('takes a stand-in for it, and says what is missing without', async () => {
  const { queue } = await bootEmail({ mode: 'manual' }, { providers: [Notes] });
  const manager = { query: jest.fn(async () => undefined) };
  await perform(queue, 'note', 'hi', { manager: manager as never });
  expect(manager.query).toHaveBeenCalledTimes(1);
  const id = await queue.enqueue('note', 'hi');
  await drain(queue);
  expect(await queue.inspect(id)).toMatchObject({
    status: 'dead',
    errorMessage: expect.stringContaining('or use mode:') as string,
  });
});
