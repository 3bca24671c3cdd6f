import { Client } from 'pg';

/** A look into a contestant's table, on a connection of its own. */
export async function countRows(url: string, sql: string): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: string }>(sql);
    return Number(rows[0]!.count);
  } finally {
    await client.end();
  }
}

export const COUNT_UNFINISHED_KYU = `SELECT count(*) FROM kyu_jobs WHERE status NOT IN ('completed', 'dead', 'cancelled')`;
