import { migrateKyu } from '@kyu/nestjs';
import { Pool } from 'pg';
import { v7 } from './floor-ids.js';
import type {
  Contestant,
  ContestantSettings,
  CreateContestant,
  Handler,
  Payload,
} from './contestant.js';
import { COUNT_UNFINISHED_KYU, countRows } from './counter.js';
import { CLAIM, FIND_PENDING, INSERT, SETTLE } from './floor.sql.js';

const BATCH = 500;
/** While one waits for the server, the other works: more gained nothing on two cores. */
const LOOPS = 2;

/**
 * No job queue at all: what three plain statements on Kyu's table cost, in batches, by primary key, with nothing decided, told or guarded. It is
 * what is left of a job when everything that a queue does for it is taken away.
 */
class Floor implements Contestant {
  private readonly pool: Pool;
  private loops: Promise<void>[] = [];
  private stopping = false;

  constructor(private readonly settings: ContestantSettings) {
    this.pool = new Pool({
      connectionString: settings.postgresUrl,
      max: LOOPS,
    });
  }

  async setUp(): Promise<void> {
    await migrateKyu({ url: this.settings.postgresUrl });
  }

  async openQueue(): Promise<void> {
    await this.pool.query('SELECT 1');
  }

  enqueue(payload: Payload): Promise<unknown> {
    return this.enqueueMany([payload]);
  }

  enqueueMany(payloads: Payload[]): Promise<unknown> {
    return this.pool.query({
      name: 'insert',
      text: INSERT,
      values: [
        payloads.map(() => v7()),
        payloads.map((payload) => JSON.stringify(payload)),
      ],
    });
  }

  /** Scenarios whose handlers wait are not for the floor. */
  async work(handler: Handler): Promise<void> {
    const { rows } = await this.pool.query<{ id: string }>(FIND_PENDING);
    const ids = rows.map(({ id }) => id);
    let next = 0;
    const take = (): string[] => ids.slice(next, (next += BATCH));
    this.loops = Array.from({ length: LOOPS }, async () => {
      for (let batch = take(); batch.length > 0; batch = take()) {
        if (this.stopping) return;
        const claimed = await this.pool.query<{ payload: Payload }>({
          name: 'claim',
          text: CLAIM,
          values: [batch],
        });
        for (const { payload } of claimed.rows) void handler(payload);
        await this.pool.query({
          name: 'settle',
          text: SETTLE,
          values: [batch],
        });
      }
    });
  }

  /** Nor are those in which it would have to wait for jobs. */
  both(): Promise<void> {
    return Promise.reject(
      new Error('The floor works off what is there, and waits for no jobs.'),
    );
  }

  unfinished(): Promise<number> {
    return countRows(this.settings.postgresUrl, COUNT_UNFINISHED_KYU);
  }

  async close(): Promise<void> {
    this.stopping = true;
    await Promise.all(this.loops);
    await this.pool.end();
  }
}

export const create: CreateContestant = (settings) => new Floor(settings);
