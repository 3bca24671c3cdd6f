import { setTimeout as sleep } from 'node:timers/promises';
import { Pool, type PoolConfig } from 'pg';

/** Longer than a crash and a recovery take. */
const PATIENCE_MS = 30_000;
const RETRY_MS = 100;

/** The harness's own way to Postgres: straight to the server, as the owner, and patient while the server is away. */
export class OwnerDatabase {
  private readonly pool: Pool;

  constructor(url: string, config: PoolConfig = {}) {
    this.pool = new Pool({
      connectionString: url,
      max: 6,
      application_name: 'chaos harness',
      // One of the faults makes all sessions read-only; this one has to end it.
      options: '-c default_transaction_read_only=off',
      ...config,
    });
    this.pool.on('error', () => undefined);
  }

  /** Tries again while there is no connection; a statement that the server refuses is refused. */
  async sql<Row = Record<string, unknown>>(
    text: string,
    values: unknown[] = [],
  ): Promise<Row[]> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      try {
        const { rows } = await this.pool.query(text, values);
        return rows as Row[];
      } catch (error) {
        if (!isAway(error) || Date.now() > deadline) throw error;
        await sleep(RETRY_MS);
      }
    }
  }

  /** Once: for faults, which are over when the server is away. */
  async attempt(text: string, values: unknown[] = []): Promise<boolean> {
    return this.pool.query(text, values).then(
      () => true,
      () => false,
    );
  }

  /** Holds back whatever conflicts with `lock` while `work` goes on. */
  async holding(lock: string, work: () => Promise<void>): Promise<void> {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query(lock);
      await work();
      await client.query('COMMIT');
    } finally {
      client.release();
    }
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}

/** No connection, or SQLSTATE class 08 and 57P: the server goes, is gone, or comes. */
function isAway(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string };
  return (
    /^(ECONN|EPIPE|ETIMEDOUT|08|57P)/.test(code ?? '') ||
    /terminated|Connection ended/i.test(message ?? '')
  );
}
