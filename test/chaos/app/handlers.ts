import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import {
  JobContext,
  JobHandler,
  JobManager,
  JobPayload,
  QueueService,
} from '@kyu/nestjs';
import type { EntityManager } from 'typeorm';
import { Ledger } from './ledger.js';
import { readSettings, type ChaosPayload } from './settings.js';

/** Handlers of every temper. Each writes to the ledger when it starts, when its signal aborts, and when it ends. */
@Injectable()
export class ChaosHandlers {
  private readonly effects = `"${readSettings().schema}".chaos_effects`;

  constructor(
    private readonly ledger: Ledger,
    private readonly queue: QueueService,
  ) {}

  @JobHandler('fast')
  fast(@JobPayload() payload: ChaosPayload, @JobContext() job: JobContext) {
    return this.run(payload, job, async () => undefined);
  }

  @JobHandler('slow')
  slow(@JobPayload() payload: ChaosPayload, @JobContext() job: JobContext) {
    return this.run(payload, job, () => wait(payload.workMs, job.signal));
  }

  @JobHandler('later')
  later(@JobPayload() payload: ChaosPayload, @JobContext() job: JobContext) {
    return this.run(payload, job, async () => undefined);
  }

  @JobHandler('flaky')
  flaky(@JobPayload() payload: ChaosPayload, @JobContext() job: JobContext) {
    return this.run(payload, job, async () => {
      if (job.attempt <= payload.failures) throw new Error('not yet');
    });
  }

  @JobHandler('doomed')
  doomed(@JobPayload() payload: ChaosPayload, @JobContext() job: JobContext) {
    return this.run(payload, job, async () => {
      throw new Error('never');
    });
  }

  /** Holds the event loop: no timer, no answer of a server is seen meanwhile. */
  @JobHandler('blocking')
  blocking(@JobPayload() payload: ChaosPayload, @JobContext() job: JobContext) {
    return this.run(payload, job, async () => {
      const until = performance.now() + payload.workMs;
      while (performance.now() < until);
    });
  }

  @JobHandler('parent')
  parent(@JobPayload() payload: ChaosPayload, @JobContext() job: JobContext) {
    return this.run(payload, job, async () => {
      for (let n = 1; n <= payload.children; n++) {
        const child = this.newChild(payload, job, String(n));
        const id = await this.queue.enqueue('fast', child);
        this.ledger.write({ kind: 'ack', key: child.key, id });
      }
    });
  }

  /** Does not look at its signal. */
  @JobHandler('stubborn')
  stubborn(@JobPayload() payload: ChaosPayload, @JobContext() job: JobContext) {
    return this.run(payload, job, () => wait(payload.workMs));
  }

  /** Is enqueued with a timeout shorter than this. */
  @JobHandler('overrun')
  overrun(@JobPayload() payload: ChaosPayload, @JobContext() job: JobContext) {
    return this.run(payload, job, () => wait(60_000, job.signal));
  }

  /** Long enough that its cancel often comes while it runs. */
  @JobHandler('cancellable')
  cancellable(
    @JobPayload() payload: ChaosPayload,
    @JobContext() job: JobContext,
  ) {
    return this.run(payload, job, () => wait(payload.workMs, job.signal));
  }

  /** Its effects, a row and a job, come before its work: what goes wrong afterwards has to undo them. */
  @JobHandler('booking', { transactional: true })
  booking(
    @JobPayload() payload: ChaosPayload,
    @JobContext() job: JobContext,
    @JobManager() manager: EntityManager,
  ) {
    return this.run(payload, job, async () => {
      await manager.query(
        `INSERT INTO ${this.effects} (id, token) VALUES ($1, $2)`,
        [job.id, job.token],
      );
      const child = this.newChild(payload, job, 'booked');
      await this.queue.enqueue('fast', child, { manager });
      await wait(payload.workMs, job.signal);
      if (job.attempt < payload.failures) throw new Error('not yet');
    });
  }

  @JobHandler('poison')
  poison(@JobPayload() payload: ChaosPayload, @JobContext() job: JobContext) {
    return this.run(payload, job, async () => {
      this.ledger.write({ kind: 'die', id: job.id, detail: 'poison' });
      process.kill(process.pid, 'SIGKILL');
      await sleep(60_000); // the signal is on its way
    });
  }

  /** The token makes the key unique: a second run of the parent has children of its own. */
  private newChild(
    { key: parent }: ChaosPayload,
    { token }: JobContext,
    name: string,
  ): ChaosPayload {
    const key = `${parent}/${token}.${name}`;
    this.ledger.write({ kind: 'try', key });
    return { key, workMs: 0, failures: 0, children: 0 };
  }

  private async run(
    { key }: ChaosPayload,
    { id, token, signal }: JobContext,
    work: () => Promise<unknown>,
  ): Promise<void> {
    const note = (kind: 'start' | 'end' | 'throw' | 'abort'): void =>
      this.ledger.write({ kind, key, id, token });
    note('start');
    signal.addEventListener('abort', () => note('abort'), { once: true });
    try {
      await work();
      note('end');
    } catch (error) {
      note('throw');
      throw error;
    }
  }
}

const wait = (ms: number, signal?: AbortSignal): Promise<void> =>
  sleep(ms, undefined, signal && { signal });
