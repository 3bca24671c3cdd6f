import { Injectable } from '@nestjs/common';
import type { WorkerIdentity } from '../runtime/worker-identity.js';
import { Database } from './database.js';
import { HEARTBEAT, REMOVE_LOST_WORKERS, REMOVE_WORKER } from './worker.sql.js';

/** Is responsible for the registry of worker processes: one row each, and the time when it was last heard of. */
@Injectable()
export class WorkerStore {
  constructor(private readonly database: Database) {}

  async heartbeat(
    worker: WorkerIdentity,
    queue: string,
    slots: number,
    jobTypes: readonly string[],
  ): Promise<void> {
    await this.database.run(HEARTBEAT, [
      worker.id,
      queue,
      worker.host,
      worker.pid,
      slots,
      jobTypes,
    ]);
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
