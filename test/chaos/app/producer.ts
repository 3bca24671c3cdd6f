import { setTimeout as sleep } from 'node:timers/promises';
import type { JobToEnqueue, QueueService } from '@kyu/nestjs';
import type { Random } from '../random.js';
import type { Ledger } from './ledger.js';
import type { AppSettings, ChaosPayload, JobType } from './settings.js';
import { tell } from './tell.js';

/** Calls that may wait for an answer at once: a hung Postgres must not end up with a thousand of them. */
const MAX_OPEN_CALLS = 12;

/** Is responsible for enqueueing jobs at a rate, and for writing down before each call that it tries, and after it what it was told. */
export class Producer {
  private stopping = false;
  private loop: Promise<void> | undefined;
  private readonly open = new Set<Promise<void>>();
  private lastKey = 0;

  constructor(
    private readonly settings: AppSettings,
    private readonly queue: QueueService,
    private readonly ledger: Ledger,
    private readonly random: Random,
  ) {}

  start(): void {
    this.loop = this.produce();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.loop;
    await Promise.all(this.open);
  }

  private async produce(): Promise<void> {
    const { perSecond, batchShare, maxBatch, limit } = this.settings.producing;
    while (!this.stopping && (limit === 0 || this.lastKey < limit)) {
      const size = this.random.chance(batchShare)
        ? this.random.int(2, maxBatch)
        : 1;
      const call: Promise<void> = this.enqueue(size).finally(() =>
        this.open.delete(call),
      );
      this.open.add(call);
      await sleep((size / perSecond) * 1000 * this.random.between(0.5, 1.5));
      if (this.open.size >= MAX_OPEN_CALLS) await Promise.race(this.open);
    }
    await Promise.all(this.open);
    tell({ produced: this.lastKey });
  }

  private async enqueue(size: number): Promise<void> {
    const jobs = Array.from({ length: size }, () => this.newJob());
    const keys = jobs.map(({ payload }) => (payload as ChaosPayload).key);
    this.ledger.write(...keys.map((key) => ({ kind: 'try' as const, key })));
    try {
      const ids = await this.call(jobs);
      this.ledger.write(
        ...keys.map((key, i) => ({ kind: 'ack' as const, key, id: ids[i]! })),
      );
    } catch (error) {
      const detail = (error as Error).message.slice(0, 200);
      this.ledger.write(
        ...keys.map((key) => ({ kind: 'err' as const, key, detail })),
      );
    }
  }

  private async call(jobs: JobToEnqueue[]): Promise<string[]> {
    if (jobs.length > 1) return this.queue.enqueueMany(jobs);
    const { type, payload, ...options } = jobs[0]!;
    return [await this.queue.enqueue(type, payload, options)];
  }

  private newJob(): JobToEnqueue {
    const { random } = this;
    const { mix, workMs, laterMs, timeoutMs, priorities } =
      this.settings.producing;
    const type = random.weighted<JobType>(mix);
    const payload: ChaosPayload = {
      key: `${this.settings.name}.${++this.lastKey}`,
      workMs: Math.round(random.between(...workMs)),
      failures: random.int(1, 2),
      children: random.int(1, 3),
    };
    return {
      type,
      payload,
      priority: random.int(...priorities),
      timeout: timeoutMs,
      ...(type === 'later' && {
        scheduledAt: new Date(Date.now() + random.between(...laterMs)),
      }),
      ...(type === 'doomed' && { maxRetries: random.int(0, 2) }),
      ...(type === 'overrun' && { maxRetries: 1, timeout: 150 }),
    };
  }
}
