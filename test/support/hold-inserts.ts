import { until } from '@kyu/testing';
import { Client } from 'pg';
import { POSTGRES_URL } from './servers.js';
import type { TestKyu } from './start-kyu.js';

const holding = new Set<Client>();

/** A test that fails meanwhile keeps nobody from dropping the tables, nor Jest from its end. Import this before start-kyu.js: hooks run in the order of imports. */
afterEach(async () => {
  for (const client of holding) await client.end();
  holding.clear();
});

/** Inserts into the jobs table wait until they are released. */
export async function holdInserts(kyu: TestKyu) {
  const client = new Client({ connectionString: POSTGRES_URL });
  await client.connect();
  holding.add(client);
  await client.query('BEGIN');
  await client.query(
    `LOCK TABLE "${kyu.schema}".kyu_jobs IN SHARE ROW EXCLUSIVE MODE`,
  );
  return {
    /** The backend whose insert waits. */
    pid: async (): Promise<number> => {
      let held: { pid: number }[] = [];
      await until('the insert to wait', async () => {
        held = await kyu.sql(
          `SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%${kyu.schema}%' AND query LIKE '%INSERT%'`,
        );
        return held.length;
      });
      return held[0]!.pid;
    },
    release: async (): Promise<void> => {
      await client.query('COMMIT');
      await client.end();
      holding.delete(client);
    },
  };
}
