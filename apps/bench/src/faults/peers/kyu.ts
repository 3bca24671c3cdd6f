import 'reflect-metadata';
import { Inject, Injectable, Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  JobContext,
  JobHandler,
  JobPayload,
  KyuModule,
  QueueService,
  type KyuMode,
} from '@kyu/nestjs';
import type { Peer, RunJob } from '../app/peer.js';
import type { Payload, Setup } from '../app/settings.js';
import { query } from './query.js';

const NOT_DONE = `
  SELECT payload->>'key' AS key, status IN ('dead', 'cancelled') AS buried
    FROM kyu_jobs WHERE status <> 'completed'`;

const RUN_JOB = Symbol('RUN_JOB');

@Injectable()
class FaultJobs {
  constructor(@Inject(RUN_JOB) private readonly runJob: RunJob) {}

  @JobHandler('job')
  handle(@JobPayload() payload: Payload, @JobContext() { signal }: JobContext) {
    return this.runJob(payload, signal);
  }
}

@Module({})
class AppModule {
  static with(
    { urls, concurrency }: Setup,
    mode: KyuMode,
    runJob?: RunJob,
  ): DynamicModule {
    return {
      module: AppModule,
      imports: [
        KyuModule.forRoot({
          postgres: { url: urls.postgres },
          redis: { url: urls.redis },
          workers: concurrency,
          mode,
          // Many processes on one machine: they would all want port 9090.
          metricsPort: 0,
        }),
      ],
      providers: runJob
        ? [{ provide: RUN_JOB, useValue: runJob }, FaultJobs]
        : [],
    };
  }
}

const start = (setup: Setup, mode: KyuMode, runJob?: RunJob) =>
  NestFactory.createApplicationContext(AppModule.with(setup, mode, runJob), {
    logger: ['error', 'warn'],
    abortOnError: false,
  });

export const peer: Peer = {
  async prepare(setup) {
    await (await start(setup, 'producer')).close();
  },
  async produce(setup) {
    const app = await start(setup, 'producer');
    const queue = app.get(QueueService, { strict: false });
    return {
      enqueue: (payload) => queue.enqueue('job', payload),
      close: () => app.close(),
    };
  },
  async work(setup, runJob) {
    const app = await start(setup, 'worker', runJob);
    return { close: () => app.close() };
  },
  stored: ({ urls }) => query(urls.postgres, NOT_DONE),
};
