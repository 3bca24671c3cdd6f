import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClsPluginTransactional,
  Transactional,
  TransactionHost,
} from '@nestjs-cls/transactional';
import { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import { ClsModule } from 'nestjs-cls';
import { DataSource } from 'typeorm';
import {
  KyuModule,
  QueueService,
  type KyuOptions,
} from '../../libs/kyu/src/index.js';

// A process of its own: its packages are CommonJS and require Nest, which is ESM. Node can do that, Jest on this Node cannot.

const { url, ...options } = JSON.parse(process.argv[2]!) as KyuOptions & {
  url: string;
};
const dataSource = await new DataSource({ type: 'postgres', url }).initialize();

@Injectable()
class Checkout {
  constructor(
    private readonly queue: QueueService,
    private readonly host: TransactionHost<TransactionalAdapterTypeOrm>,
  ) {}

  @Transactional()
  async place(fail: boolean): Promise<void> {
    await this.host.tx.query('SELECT 1');
    await this.queue.enqueue('work', 'placed');
    if (fail) throw new Error('on purpose');
  }

  @Transactional()
  async placeWithNested(): Promise<void> {
    await this.queue.enqueue('work', 'outer');
    await this.host.tx
      .transaction(async (manager) => {
        await this.queue.enqueue('work', 'nested', { manager });
        throw new Error('on purpose');
      })
      .catch(() => undefined);
  }
}

@Module({
  providers: [{ provide: DataSource, useValue: dataSource }],
  exports: [DataSource],
})
class DatabaseModule {}

@Module({
  imports: [
    ClsModule.forRoot({
      plugins: [
        new ClsPluginTransactional({
          imports: [DatabaseModule],
          adapter: new TransactionalAdapterTypeOrm({
            dataSourceToken: DataSource,
          }),
        }),
      ],
    }),
    KyuModule.forRootAsync({
      inject: [TransactionHost],
      useFactory: (
        host: TransactionHost<TransactionalAdapterTypeOrm>,
      ): KyuOptions => ({
        ...options,
        postgres: { ...options.postgres, dataSource },
        transaction: () => host.tx,
      }),
    }),
  ],
  providers: [Checkout],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, {
  logger: false,
});
const queue = app.get(QueueService);
const checkout = app.get(Checkout);
const ran: unknown[] = [];
const toRun = async (count: number): Promise<void> => {
  while (ran.length < count) await sleep(20);
};
queue.register('work', (payload) => void ran.push(payload));

const refused = await checkout.place(true).catch((error: Error) => error);
await checkout.place(false);
await toRun(1);
await checkout.placeWithNested();
await toRun(2);
await queue.enqueue('work', 'plain'); // outside of any transaction
await toRun(3);
process.send?.({ refused: (refused as Error).message, ran });
await app.close();
await dataSource.destroy();
process.disconnect?.();
