import 'reflect-metadata';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  KyuEvents,
  KyuModule,
  QueueService,
  type KyuOptions,
} from '../../libs/kyu/src/index.js';

/**
 * A program that prints Kyu's log lines as JSON. Its event loop is blocked again and again, each time
 * for longer than Redis may take to answer, while commands are under way.
 */
const BLOCKS = 8;
const BLOCK_MS = 300;

const lines: string[] = [];
const keep = (message: unknown): void => void lines.push(String(message));
const options = JSON.parse(process.argv[2]!) as KyuOptions;

@Module({
  imports: [
    KyuModule.forRoot({
      metricsPort: 0,
      logger: { log: keep, warn: keep, error: keep },
      ...options,
    }),
  ],
})
class App {}

const block = (): void => {
  const until = performance.now() + BLOCK_MS;
  while (performance.now() < until);
};

const app = await NestFactory.createApplicationContext(App, { logger: false });
const queue = app.get(QueueService);
let settled = 0;
app.get(KyuEvents).on('job.settled', () => settled++);
queue.register('block', block);
queue.register('quick', () => undefined);
await app.init();

for (let i = 0; i < BLOCKS; i++) {
  await queue.enqueueMany([
    { type: 'block', payload: null },
    { type: 'quick', payload: null },
  ]);
  const staging = queue.enqueueMany([{ type: 'quick', payload: null }]);
  block();
  await staging;
  block(); // what was staged just now has no answer yet
}
while (settled < BLOCKS * 3) await nextTurn();
await app.close();
console.log(JSON.stringify(lines));
