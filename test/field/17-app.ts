import 'reflect-metadata';
import { Module, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  KyuEvents,
  KyuModule,
  QueueService,
  type KyuOptions,
} from '../../libs/kyu/src/index.js';

/** What 17-heartbeat-compiled.e2e-spec.ts runs, bundled or instrumented: an application whose handler blocks the event loop for longer than the beat's interval. */
export interface Told {
  status: string;
  warnings: string[];
}

export async function runApp(options: KyuOptions): Promise<Told> {
  const warnings: string[] = [];
  const logger: LoggerService = {
    log: () => undefined,
    warn: (line: unknown) => warnings.push(String(line)),
    error: (line: unknown) => warnings.push(String(line)),
  };

  @Module({
    imports: [KyuModule.forRoot({ ...options, metricsPort: 0, logger })],
  })
  class App {}

  const app = await NestFactory.createApplicationContext(App, {
    logger: false,
  });
  const queue = app.get(QueueService);
  queue.register('block', async (ms: number) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  });
  await app.init();
  const settled = new Promise<string>((resolve) => {
    app.get(KyuEvents).on('job.settled', ({ status }) => resolve(status));
    app.get(KyuEvents).on('job.rescued', () => resolve('rescued'));
  });
  // Due when a worker without beats would have stopped to claim.
  const scheduledAt = new Date(Date.now() + 1_500);
  await queue.enqueue('block', 400, { scheduledAt });
  const status = await settled;
  await app.close();
  return { status, warnings };
}
