import { PgBoss, type SendOptions } from 'pg-boss';
import type {
  Contestant,
  ContestantSettings,
  CreateContestant,
  Handler,
  JobOptions,
  Payload,
} from '../contestants/contestant.js';
import { countRows } from '../contestants/counter.js';

const QUEUE = 'mail';
/** A batch is fetched and completed by one statement each, and all of it is done before the next one. */
const BATCH = 500;
/** So one batch runs while another is fetched. */
const FETCHERS = 2;

/** pg-boss with batched fetch. Where latency counts, with LISTEN/NOTIFY and the shortest poll that it takes. */
class PgBossContestant implements Contestant {
  private boss: PgBoss | undefined;

  constructor(private readonly settings: ContestantSettings) {}

  async setUp(): Promise<void> {
    await this.openQueue();
    await this.boss!.createQueue(QUEUE, { notify: this.fast });
  }

  async openQueue(): Promise<void> {
    this.boss = new PgBoss({
      connectionString: this.settings.postgresUrl,
      max: 25,
      useListenNotify: this.fast,
    });
    this.boss.on('error', (error) => console.error(error));
    await this.boss.start();
  }

  enqueue(payload: Payload, options?: JobOptions): Promise<unknown> {
    return this.boss!.send(QUEUE, payload, toSendOptions(options));
  }

  enqueueMany(payloads: Payload[], options?: JobOptions): Promise<unknown> {
    const common = toSendOptions(options);
    return this.boss!.insert(
      QUEUE,
      payloads.map((data) => ({ data, ...common })),
    );
  }

  async work(handler: Handler, slots: number): Promise<void> {
    const { tuning } = this.settings;
    await this.openQueue();
    await this.boss!.work<Payload>(
      QUEUE,
      {
        // As many as run at once, where an urgent job must not wait behind a batch.
        batchSize: tuning === 'priority' ? slots / FETCHERS : BATCH,
        localConcurrency: FETCHERS,
        burstWhenBatchFull: true,
        ...((tuning === 'latency' || tuning === 'priority') && {
          pollingIntervalSeconds: 0.5,
          notifyPollingIntervalSeconds: 0.5,
        }),
      },
      async (jobs) => {
        const queue = jobs.values();
        const slot = async (): Promise<void> => {
          for (const { data } of queue) {
            const work = handler(data);
            if (work) await work;
          }
        };
        await Promise.all(
          Array.from({ length: slots / FETCHERS }, () => slot()),
        );
      },
    );
  }

  /** The instance that works sends, too. notifyWorker() after each send gained nothing beside LISTEN/NOTIFY, and in its place it is for this process only. */
  both(handler: Handler, slots: number): Promise<void> {
    return this.work(handler, slots);
  }

  unfinished(): Promise<number> {
    return countRows(
      this.settings.postgresUrl,
      `SELECT count(*) FROM pgboss.job WHERE name = '${QUEUE}' AND state IN ('created', 'retry', 'active')`,
    );
  }

  async close(): Promise<void> {
    await this.boss?.stop({ graceful: true });
  }

  /** NOTIFY takes a lock at each commit: not where throughput counts. */
  private get fast(): boolean {
    return this.settings.tuning !== 'throughput';
  }
}

const toSendOptions = ({ priority, dueAt }: JobOptions = {}): SendOptions => ({
  ...(priority === 'urgent' && { priority: 10 }),
  ...(dueAt && { startAfter: dueAt }),
});

export const create: CreateContestant = (settings) =>
  new PgBossContestant(settings);
