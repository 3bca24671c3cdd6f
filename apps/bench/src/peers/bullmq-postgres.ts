import { createPostgresBackend, runMigrations, withBackend } from 'bullmq';
import { Client } from 'pg';
import type {
  Contestant,
  ContestantSettings,
  CreateContestant,
  Handler,
  JobOptions,
  Payload,
} from '../contestants/contestant.js';
import { toBullOptions, UNFINISHED_STATES } from './bullmq-options.js';

const NAME = 'mail';
const bull = withBackend(createPostgresBackend);

/** BullMQ on its PostgreSQL backend. */
class BullMQPostgres implements Contestant {
  private queue: InstanceType<typeof bull.Queue> | undefined;
  private worker: { close(): Promise<void> } | undefined;

  constructor(private readonly settings: ContestantSettings) {}

  async setUp(): Promise<void> {
    const client = new Client({
      connectionString: this.settings.postgresUrl,
    });
    await client.connect();
    await runMigrations(client);
    await client.end();
  }

  async openQueue(): Promise<void> {
    this.queue = new bull.Queue(NAME, { connection: this.connection(25) });
    await this.queue.waitUntilReady();
  }

  enqueue(payload: Payload, options?: JobOptions): Promise<unknown> {
    return this.queue!.add(NAME, payload, toBullOptions(options));
  }

  enqueueMany(payloads: Payload[], options?: JobOptions): Promise<unknown> {
    const opts = toBullOptions(options);
    return this.queue!.addBulk(
      payloads.map((data) => ({ name: NAME, data, opts })),
    );
  }

  async work(handler: Handler, slots: number): Promise<void> {
    const worker = new bull.Worker<Payload, void>(
      NAME,
      async ({ data }) => handler(data),
      { connection: this.connection(slots), concurrency: slots },
    );
    this.worker = worker;
    await worker.waitUntilReady();
  }

  /** Each with a pool of its own, as its guide has it. */
  async both(handler: Handler, slots: number): Promise<void> {
    await this.openQueue();
    await this.work(handler, slots);
  }

  async unfinished(): Promise<number> {
    const queue =
      this.queue ?? new bull.Queue(NAME, { connection: this.connection(1) });
    const counts = await queue.getJobCounts(...UNFINISHED_STATES);
    if (!this.queue) await queue.close();
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
  }

  async close(): Promise<void> {
    await this.worker?.close();
    await this.queue?.close();
  }

  /** Its guide asks for enough connections for the concurrency. */
  private connection(max: number): { connectionString: string; max: number } {
    return { connectionString: this.settings.postgresUrl, max };
  }
}

export const create: CreateContestant = (settings) =>
  new BullMQPostgres(settings);
