import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DataSource } from 'typeorm';
import {
  KyuEvents,
  KyuModule,
  QueueService,
  type KyuOptions,
} from '../../libs/kyu/src/index.js';

// A process that dies after COMMIT and before it has staged: the event between the two is its last moment.

const { url, ...options } = JSON.parse(process.argv[2]!) as KyuOptions & {
  url: string;
};

@Module({ imports: [KyuModule.forRoot({ ...options, mode: 'producer' })] })
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, {
  logger: false,
});
const dataSource = await new DataSource({ type: 'postgres', url }).initialize();
app
  .get(KyuEvents)
  .on('job.enqueued', () => process.kill(process.pid, 'SIGKILL'));
await dataSource.transaction((manager) =>
  app.get(QueueService).enqueue('work', 'survives', { manager }),
);
