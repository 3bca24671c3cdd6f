import { Injectable } from '@nestjs/common';
import type { WorkerIdentity } from '../runtime/worker-identity.js';
import { Database } from './database.js';
import { connectionOf, HeartbeatThread } from './heartbeat-thread.js';
import { PooledHeartbeat } from './pooled-heartbeat.js';
import { HEARTBEAT, REMOVE_LOST_WORKERS, REMOVE_WORKER } from './worker.sql.js';

export type RunningHeartbeat = HeartbeatThread | PooledHeartbeat;

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

  /** Beats until it is stopped: from a thread of its own, unless the connection cannot be handed to one. */
  keepBeating(
    record: WorkerRecord,
    timing: { intervalMs: number; mainSilenceMs: number; silenceMs: number },
    onFailure: (message: string) => void,
  ): RunningHeartbeat {
    const connection = connectionOf(this.database.dataSource);
    const { silenceMs, ...rest } = timing;
    return connection
      ? new HeartbeatThread(
          connection,
          silenceMs,
          {
            ...rest,
            text: this.database.textOf(HEARTBEAT),
            values: values(record),
          },
          onFailure,
        )
      : new PooledHeartbeat(
          (current) => this.database.run(HEARTBEAT, current),
          values(record),
          silenceMs,
          timing.intervalMs,
          onFailure,
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
