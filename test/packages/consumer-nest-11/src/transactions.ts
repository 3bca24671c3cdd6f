import { Injectable } from '@nestjs/common';
import { JobHandler, JobManager, JobPayload, QueueService } from '@kyu/nestjs';
import { DataSource, EntityManager } from 'typeorm';

@Injectable()
export class Transfers {
  constructor(
    private readonly queue: QueueService,
    private readonly dataSource: DataSource,
  ) {}

  /** Jobs of a transaction that rolls back, of a nested one that does, and one that stays; resolves to its id. */
  async enqueue(): Promise<string> {
    await this.dataSource
      .transaction(async (manager) => {
        await this.queue.enqueue('transfer', 'gone', { manager });
        throw new Error('on purpose');
      })
      .catch(() => undefined);
    return this.dataSource.transaction(async (manager) => {
      await manager
        .transaction(async (nested) => {
          await this.queue.enqueue('transfer', 'gone', { manager: nested });
          throw new Error('on purpose');
        })
        .catch(() => undefined);
      return this.queue.enqueue('transfer', 'stays', { manager });
    });
  }

  /** How many transfers its database knows of, itself included. */
  @JobHandler('transfer', { transactional: true })
  async transfer(
    @JobPayload() name: string,
    @JobManager() manager: EntityManager,
  ): Promise<string> {
    const [row] = (await manager.query(
      `SELECT count(*)::int AS transfers FROM "${process.env['SCHEMA']}".kyu_jobs WHERE job_type = 'transfer'`,
    )) as { transfers: number }[];
    return `${name}, of ${row!.transfers}`;
  }
}
