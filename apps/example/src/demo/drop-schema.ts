import { Client } from 'pg';
import type { ShopSettings } from '../settings.js';

/** On a connection of its own: the application has closed its own ones by then. */
export async function dropSchema({
  postgresUrl,
  schema,
}: ShopSettings): Promise<void> {
  const client = new Client({ connectionString: postgresUrl });
  await client.connect();
  try {
    await client.query(`drop schema if exists "${schema}" cascade`);
  } finally {
    await client.end();
  }
}
