import { Client } from 'pg';
import { isolated } from '@kyu/testing';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';

/** A schema and a queue for processes of the shop that belong together, and a look into their table. */
export class ShopTable {
  readonly env: Record<string, string>;
  private readonly names = isolated();
  private readonly client = new Client({ connectionString: POSTGRES_URL });

  constructor() {
    this.env = {
      KYU_POSTGRES_URL: POSTGRES_URL,
      KYU_REDIS_URL: REDIS_URL,
      KYU_SCHEMA: this.names.schema,
      KYU_QUEUE: this.names.queueName,
      METRICS_PORT: '0',
      PORT: '0',
    };
  }

  open(): Promise<unknown> {
    return this.client.connect();
  }

  /** `jobs` stands for the table. */
  async sql<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
    const table = `"${this.names.schema}".kyu_jobs`;
    const { rows } = await this.client.query(
      text.replace(/\bjobs\b/, table),
      values,
    );
    return rows as Row[];
  }

  async drop(): Promise<void> {
    await this.client.query(
      `drop schema if exists "${this.names.schema}" cascade`,
    );
    await this.client.end();
  }
}
