import { Queue, Worker } from 'bullmq';
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

/** BullMQ on Redis. */
class BullMQ implements Contestant {
  private readonly connection: { url: string };
  private queue: Queue | undefined;
  private worker: Worker | undefined;

  constructor({ redisUrl }: ContestantSettings) {
    this.connection = { url: redisUrl };
  }

  async setUp(): Promise<void> {
    // Redis has no tables.
  }

  async openQueue(): Promise<void> {
    this.queue = new Queue(NAME, { connection: this.connection });
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
    this.worker = new Worker<Payload, void>(
      NAME,
      async ({ data }) => handler(data),
      { connection: this.connection, concurrency: slots },
    );
    await this.worker.waitUntilReady();
  }

  /** Each with a connection of its own, as its guide has it. */
  async both(handler: Handler, slots: number): Promise<void> {
    await this.openQueue();
    await this.work(handler, slots);
  }

  async unfinished(): Promise<number> {
    const queue =
      this.queue ?? new Queue(NAME, { connection: this.connection });
    const counts = await queue.getJobCounts(...UNFINISHED_STATES);
    if (!this.queue) await queue.close();
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
  }

  async close(): Promise<void> {
    await this.worker?.close();
    await this.queue?.close();
  }
}

export const create: CreateContestant = (settings) => new BullMQ(settings);
