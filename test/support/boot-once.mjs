// A process that boots Kyu from the compiled library, enqueues a job, waits for its end and then ends by itself, because nothing keeps it alive.
// argv[2] is the library's index.js, argv[3] the options as JSON.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { setTimeout as sleep } from 'node:timers/promises';

const [, , library, options] = process.argv;
const { KyuModule, QueueService } = await import(library);

class AppModule {}
Module({ imports: [KyuModule.forRoot(JSON.parse(options))] })(AppModule);

const app = await NestFactory.createApplicationContext(AppModule, {
  logger: ['warn', 'error'],
  abortOnError: false,
});
const queue = app.get(QueueService);
queue.register('job', () => 'done');
const id = await queue.enqueue('job', { pid: process.pid });
// Polled, because another process may run it.
while ((await queue.inspect(id)).status !== 'completed') await sleep(20);
await app.close();
console.log('closed');
