import { InvalidJobError, type SqlClient } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import knex from 'knex';
import { Pool } from 'pg';
import { POSTGRES_URL } from '../support/servers.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

class OnPurpose extends Error {}

type Transact = (work: (client: SqlClient) => Promise<void>) => Promise<void>;

/** How an application with this library calls `work` in a transaction, and closes its connections. */
const LIBRARIES: Record<string, () => [Transact, () => Promise<void>]> = {
  pg: () => {
    const pool = new Pool({ connectionString: POSTGRES_URL });
    const transact: Transact = async (work) => {
      const client = await pool.connect();
      try {
        await client.query('BEGIN');
        await work(client);
        await client.query('COMMIT');
      } catch (error) {
        await client.query('ROLLBACK');
        throw error;
      } finally {
        client.release();
      }
    };
    return [transact, () => pool.end()];
  },
  knex: () => {
    const db = knex({ client: 'pg', connection: POSTGRES_URL });
    const transact: Transact = (work) =>
      db.transaction((trx) =>
        work({
          query: async (text, values) =>
            trx.raw(text.replace(/\$\d/g, '?'), values),
        }),
      );
    return [transact, () => db.destroy()];
  },
  drizzle: () => {
    const pool = new Pool({ connectionString: POSTGRES_URL });
    const transact: Transact = (work) =>
      drizzle(pool).transaction((tx) =>
        work({
          query: (text, [queue, jobs]) => {
            const [before, between, after] = text.split(/\$\d/);
            return tx.execute(
              sql`${sql.raw(before!)}${queue}${sql.raw(between!)}${jobs}${sql.raw(after!)}`,
            );
          },
        }),
      );
    return [transact, () => pool.end()];
  },
};

describe.each(Object.entries(LIBRARIES))(
  'enqueue({ client }) with %s',
  (_, open) => {
    let kyu: TestKyu;
    let ran: unknown[];
    let transact: Transact;
    let close: () => Promise<void>;

    beforeEach(async () => {
      ran = [];
      [transact, close] = open();
      kyu = await startKyu({
        handlers: { work: (payload: unknown) => void ran.push(payload) },
      });
    });
    afterEach(() => close());

    it('stores the jobs with the commit', async () => {
      const due = new Date(Date.now() + 3_600_000);
      const payload = { text: `it's "$1" and ? and \\ and \u0000` };
      const ids: string[] = [];
      await transact(async (client) => {
        ids.push(
          await kyu.queue.enqueue('work', payload, { client, priority: 3 }),
        );
        ids.push(
          ...(await kyu.queue.enqueueMany(
            [
              { type: 'work', payload: 'many' },
              { type: 'work', payload: 'later', scheduledAt: due },
            ],
            { client },
          )),
        );
        expect(await kyu.sql('SELECT id FROM jobs')).toEqual([]);
      });
      // Nobody is told of the commit; a worker finds the jobs by itself.
      await until('both jobs', () => ran.length === 2);
      expect(ran).toEqual(expect.arrayContaining([payload, 'many']));
      const [first, , later] = await Promise.all(
        ids.map((id) => kyu.queue.inspect(id)),
      );
      expect(first).toMatchObject({ priority: 3, status: 'completed' });
      expect(later).toMatchObject({ status: 'scheduled', scheduledAt: due });
    });

    it('stores nothing with a rollback', async () => {
      const rolledBack = transact(async (client) => {
        await kyu.queue.enqueue('work', 'gone', { client });
        throw new OnPurpose();
      });
      await expect(rolledBack).rejects.toThrow(OnPurpose);
      expect(await kyu.sql('SELECT id FROM jobs')).toEqual([]);
    });
  },
);

describe('enqueue({ client })', () => {
  it('starts at once when it is told of the commit', async () => {
    const kyu = await startKyu({ options: { mode: 'producer' } });
    const pool = new Pool({ connectionString: POSTGRES_URL });
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const id = await kyu.queue.enqueue('work', null, { client });
      const staged = (): Promise<string[]> =>
        kyu.redis.zrange(kyu.queueName, 0, -1);
      await kyu.queue.stage(id); // too early: it is not there
      expect(await staged()).toEqual([]);
      await client.query('COMMIT');
      await kyu.queue.stage([id]);
      await until('the id', async () => (await staged()).includes(id));
    } finally {
      client.release();
      await pool.end();
    }
  });

  it('takes the context of its caller along', async () => {
    const restored: unknown[] = [];
    const kyu = await startKyu({
      handlers: { work: () => undefined },
      options: {
        context: {
          capture: () => ({ tenant: 7 }),
          run: (context, work) => {
            restored.push(context);
            return work();
          },
        },
      },
    });
    const pool = new Pool({ connectionString: POSTGRES_URL });
    try {
      const settled = kyu.nextEvent('job.settled');
      await kyu.queue.stage(
        await kyu.queue.enqueue('work', null, { client: pool }),
      );
      await settled;
      expect(restored).toEqual([{ tenant: 7 }]);
    } finally {
      await pool.end();
    }
  });

  it('refuses what has no query()', async () => {
    const kyu = await startKyu({ options: { mode: 'producer' } });
    await expect(
      kyu.queue.enqueue('work', null, { client: {} as SqlClient }),
    ).rejects.toThrow(InvalidJobError);
    await expect(kyu.queue.stage('no id')).rejects.toThrow(InvalidJobError);
  });
});
