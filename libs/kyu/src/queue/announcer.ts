import { Injectable } from '@nestjs/common';
import { KyuEvents } from '../events/kyu-events.js';
import { ReadyQueue } from '../ready-queue/ready-queue.js';
import { DueAlarm } from '../runtime/due-alarm.js';
import type { EnqueuedJob } from '../store/enqueued-job.js';

/** Is responsible for what follows the commit of an enqueue. The jobs are safe by then: nobody waits for this, and nothing of it throws. */
@Injectable()
export class Announcer {
  private readonly staging = new Set<Promise<unknown>>();

  constructor(
    private readonly readyQueue: ReadyQueue,
    private readonly alarm: DueAlarm,
    private readonly events: KyuEvents,
  ) {}

  /** Tells of jobs that were committed just now, and lets them start. */
  acknowledge(stored: readonly EnqueuedJob[]): void {
    for (const { id, jobType, status } of stored)
      this.events.emit('job.enqueued', { id, jobType, status });
    this.stage(stored);
  }

  /** Makes jobs start sooner than a worker would find them. */
  stage(stored: readonly EnqueuedJob[]): void {
    const pending = stored.filter(({ status }) => status === 'pending');
    if (pending.length > 0) {
      const staging: Promise<unknown> = this.readyQueue
        .stage(pending)
        .catch(() =>
          this.events.emit('stage.failed', { count: pending.length }),
        )
        .finally(() => this.staging.delete(staging));
      this.staging.add(staging);
    }
    for (const { status, dueInMs } of stored)
      if (status === 'scheduled') this.alarm.noteDueIn(dueInMs);
  }

  /** Resolves when no staging is under way, so that the ready queue may be closed. */
  async staged(): Promise<void> {
    await Promise.all(this.staging);
  }
}
