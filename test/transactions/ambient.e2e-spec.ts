import { Injectable } from '@nestjs/common';
import { InvalidJobError, KyuModule, QueueService } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { DataSource, type EntityManager } from 'typeorm';
import {
  addTransactionalDataSource,
  deleteDataSourceByName,
  initializeTransactionalContext,
  Propagation,
  StorageDriver,
  Transactional,
} from 'typeorm-transactional';
import { openAppDataSource } from '../support/app-database.js';
import { bootApp, newGround } from '../support/boot-app.js';

class OnPurpose extends Error {}

@Injectable()
class Checkout {
  constructor(
    private readonly queue: QueueService,
    private readonly dataSource: DataSource,
  ) {}

  @Transactional()
  async place(fail: boolean): Promise<void> {
    await this.dataSource.query('SELECT 1');
    await this.queue.enqueue('work', 'placed');
    if (fail) throw new OnPurpose();
  }

  @Transactional()
  async placeWithNested(): Promise<void> {
    await this.queue.enqueue('work', 'outer');
    await this.nested().catch(() => undefined);
  }

  @Transactional({ propagation: Propagation.NESTED })
  async nested(): Promise<void> {
    await this.queue.enqueueMany([{ type: 'work', payload: 'nested' }]);
    throw new OnPurpose();
  }
}

describe('the option "transaction"', () => {
  it('is followed with typeorm-transactional', async () => {
    initializeTransactionalContext({
      storageDriver: StorageDriver.ASYNC_LOCAL_STORAGE,
    });
    const dataSource = addTransactionalDataSource(await openAppDataSource());
    const ground = newGround();
    try {
      const app = await bootApp({
        imports: [
          KyuModule.forRoot(
            ground.options({
              postgres: { dataSource },
              transaction: () => dataSource.manager,
            }),
          ),
        ],
        providers: [Checkout, { provide: DataSource, useValue: dataSource }],
      });
      const queue = app.get(QueueService);
      const checkout = app.get(Checkout);
      const ran: unknown[] = [];
      queue.register('work', (payload) => void ran.push(payload));

      await expect(checkout.place(true)).rejects.toThrow(OnPurpose);
      expect(await ground.sql('SELECT id FROM jobs')).toEqual([]);
      await checkout.place(false);
      await until('the job', () => ran.includes('placed'));
      await checkout.placeWithNested();
      await until('the other job', () => ran.length === 2);
      // Outside of any transaction it is an ordinary enqueue.
      await queue.enqueue('work', 'plain');
      await until('the last job', () => ran.length === 3);
      expect(ran).toEqual(['placed', 'outer', 'plain']);
      expect(await ground.sql('SELECT id FROM jobs')).toHaveLength(3);
    } finally {
      deleteDataSourceByName('default');
    }
  });

  // With @nestjs-cls/transactional: processes.e2e-spec.ts.

  it('is not asked when the call says what it is in', async () => {
    const ground = newGround();
    const dataSource = await openAppDataSource();
    const app = await bootApp({
      imports: [
        KyuModule.forRoot(
          ground.options({
            mode: 'producer',
            transaction: () => {
              throw new OnPurpose();
            },
          }),
        ),
      ],
    });
    const queue = app.get(QueueService);
    await expect(queue.enqueue('work', null)).rejects.toThrow(OnPurpose);
    await queue.enqueue('work', null, { manager: dataSource.manager });
    expect(await ground.sql('SELECT id FROM jobs')).toHaveLength(1);
  });

  it('says so when it returns something else', async () => {
    const ground = newGround();
    const app = await bootApp({
      imports: [
        KyuModule.forRoot(
          ground.options({
            mode: 'producer',
            transaction: () => 7 as never as EntityManager,
          }),
        ),
      ],
    });
    await expect(app.get(QueueService).enqueue('work', null)).rejects.toThrow(
      InvalidJobError,
    );
  });
});
