import type { Pool, PoolClient } from 'pg';
import type { DataSource } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';

/** The pool of node-postgres behind a data source; that of the primary where there are replicas. */
export const poolOf = ({ driver }: DataSource): Pool =>
  (driver as PostgresDriver).master as Pool;

/**
 * An error event without a listener would end the process; the statement under way rejects, too.
 */
const ignoreError = (): void => undefined;

/**
 * Runs `work` on one connection of the pool. After an answer of PostgreSQL that was an error, what
 * is left open of a transaction is rolled back; a connection that failed otherwise is closed.
 */
export async function withConnection<T>(
  dataSource: DataSource,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await poolOf(dataSource).connect();
  client.on('error', ignoreError);
  let isUsable = true;
  try {
    return await work(client);
  } catch (error) {
    isUsable = isAnswer(error) && (await rollBack(client));
    throw error;
  } finally {
    client.off('error', ignoreError);
    client.release(!isUsable);
  }
}

/** Only errors that PostgreSQL sent have a severity. */
const isAnswer = (error: unknown): boolean =>
  (error as { severity?: unknown } | null)?.severity !== undefined;

const rollBack = (client: PoolClient): Promise<boolean> =>
  client.query('ROLLBACK').then(
    () => true,
    () => false,
  );
