import { Injectable } from '@nestjs/common';
import type { WorkerIdentity } from '../runtime/worker-identity.js';
import { Database } from './database.js';
import { connectionOf, HeartbeatThread } from './heartbeat-thread.js';
import { PooledHeartbeat } from './pooled-heartbeat.js';
import { RunningHeartbeat } from './running-heartbeat.js';
import { HEARTBEAT, REMOVE_LOST_WORKERS, REMOVE_WORKER } from './worker.sql.js';

/** What a worker says of itself with each beat. */
export interface WorkerRecord {
  worker: WorkerIdentity;
  queue: string;
  slots: number;
  jobTypes: readonly string[];
}

/** Is responsible for the registry of worker processes: one row each, and the time when it was last heard of. */
@Injectable()
export class WorkerStore {
  constructor(private readonly database: Database) {}

  async heartbeat(record: WorkerRecord): Promise<void> {
    await this.database.run(HEARTBEAT, values(record));
  }

  /**
   * Beats until it is stopped: from a thread of its own, or from the main thread where there can be none.
   *
   * @param onFailure called with each failed beat.
   * @param onFallback called with the reason when the beat comes from the main thread.
   */
  keepBeating(
    record: WorkerRecord,
    timing: { intervalMs: number; mainSilenceMs: number; silenceMs: number },
    onFailure: (message: string) => void,
    onFallback: (reason: string) => void,
  ): RunningHeartbeat {
    const { silenceMs, ...rest } = timing;
    return new RunningHeartbeat(
      values(record),
      silenceMs,
      (onLost) =>
        new HeartbeatThread(
          connectionOf(this.database.dataSource),
          silenceMs,
          {
            ...rest,
            text: this.database.textOf(HEARTBEAT),
            values: values(record),
          },
          onFailure,
          onLost,
        ),
      (current, silence) =>
        new PooledHeartbeat(
          (latest) => this.database.run(HEARTBEAT, latest),
          current,
          silence,
          timing.intervalMs,
          onFailure,
        ),
      onFallback,
    );
  }

  /** What it should say from now on. */
  update(heartbeat: RunningHeartbeat, record: WorkerRecord): void {
    heartbeat.update(values(record));
  }

  async remove(worker: WorkerIdentity): Promise<void> {
    await this.database.run(REMOVE_WORKER, [worker.id]);
  }

  /** Removes workers that were silent for `silenceMs` and own nothing; returns their ids. */
  async removeLost(queue: string, silenceMs: number): Promise<string[]> {
    const rows = await this.database.run(REMOVE_LOST_WORKERS, [
      queue,
      silenceMs,
    ]);
    return rows.map(({ id }) => id);
  }
}

const values = ({
  worker,
  queue,
  slots,
  jobTypes,
}: WorkerRecord): unknown[] => [
  worker.id,
  queue,
  worker.host,
  worker.pid,
  slots,
  [...jobTypes],
];
