import { setTimeout as sleep } from 'node:timers/promises';
import type { QueueService } from '@kyu/nestjs';
import type { Random } from '../random.js';
import type { Ledger } from './ledger.js';
import type { AppSettings, ChaosPayload } from './settings.js';

/** Is responsible for cancelling jobs that wait, run, or have just ended: from a process that runs none. */
export class Canceller {
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
    this.loop = this.work();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.loop;
    await Promise.all(this.open);
  }

  private async work(): Promise<void> {
    const { perSecond } = this.settings.producing;
    while (!this.stopping) {
      const job: Promise<void> = this.enqueueAndCancel().finally(() =>
        this.open.delete(job),
      );
      this.open.add(job);
      await sleep(1000 / perSecond);
    }
  }

  private async enqueueAndCancel(): Promise<void> {
    const { random, ledger } = this;
    const key = `${this.settings.name}.${++this.lastKey}`;
    const payload: ChaosPayload = {
      key,
      workMs: random.int(200, 1_500),
      failures: 0,
      children: 0,
    };
    const delayMs = random.chance(0.3) ? 0 : random.int(0, 1_500);
    ledger.write({ kind: 'try', key });
    let id: string;
    try {
      id = await this.queue.enqueue('cancellable', payload);
    } catch (error) {
      ledger.write({ kind: 'err', key, detail: (error as Error).message });
      return;
    }
    ledger.write({ kind: 'ack', key, id });
    await sleep(delayMs);
    ledger.write({ kind: 'cancel-try', key, id });
    try {
      const detail = await this.queue.cancelJob(id);
      ledger.write({ kind: 'cancel-ack', key, id, detail });
    } catch (error) {
      const detail = (error as Error).message.slice(0, 200);
      ledger.write({ kind: 'cancel-err', key, id, detail });
    }
  }
}
