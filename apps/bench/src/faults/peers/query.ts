import { Client } from 'pg';
import type { Stored } from '../app/peer.js';

/** Asks a Postgres, outside of the contestant, what is not done: `sql` gives a row of `key` and `buried` for each such job. */
export async function query(url: string, sql: string): Promise<Stored> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ key: string; buried: boolean }>(sql);
    const keys = (buried: boolean): string[] =>
      rows.filter((row) => row.buried === buried).map(({ key }) => key);
    return { held: keys(false), buried: keys(true) };
  } finally {
    await client.end();
  }
}
