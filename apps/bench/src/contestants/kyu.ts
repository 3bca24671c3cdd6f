import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  JobHandler,
  JobPayload,
  KyuModule,
  migrateKyu,
  QueueService,
  type EnqueueOptions,
  type KyuOptions,
} from '@kyu/nestjs';
import type {
  Contestant,
  ContestantSettings,
  CreateContestant,
  Handler,
  JobOptions,
  Payload,
} from './contestant.js';
import { COUNT_UNFINISHED_KYU, countRows } from './counter.js';

/** The rest is the same in every process. */
type Role = Pick<KyuOptions, 'mode' | 'workers'>;

const TYPE = 'send_mail';

/** Kyu as its README has it: the module, a decorated handler, the service. All options at their defaults, but for where the servers are. */
class KyuContestant implements Contestant {
  private app: INestApplicationContext | undefined;
  private queue: QueueService | undefined;

  constructor(private readonly settings: ContestantSettings) {}

  async setUp(): Promise<void> {
    await migrateKyu({ url: this.settings.postgresUrl });
  }

  async openQueue(): Promise<void> {
    @Module({ imports: [this.module({ mode: 'producer' })] })
    class ProducerModule {}
    this.app = await boot(ProducerModule);
    this.queue = this.app.get(QueueService);
  }

  async enqueue(payload: Payload, options?: JobOptions): Promise<unknown> {
    return this.queue!.enqueue(TYPE, payload, toOptions(options));
  }

  async enqueueMany(
    payloads: Payload[],
    options?: JobOptions,
  ): Promise<unknown> {
    const common = toOptions(options);
    return this.queue!.enqueueMany(
      payloads.map((payload) => ({ type: TYPE, payload, ...common })),
    );
  }

  async work(handler: Handler, slots: number): Promise<void> {
    await this.startWorker(handler, { mode: 'worker', workers: slots });
  }

  /** One application, in the mode that is the default. */
  async both(handler: Handler, slots: number): Promise<void> {
    await this.startWorker(handler, { workers: slots });
    this.queue = this.app!.get(QueueService);
  }

  unfinished(): Promise<number> {
    return countRows(this.settings.postgresUrl, COUNT_UNFINISHED_KYU);
  }

  async close(): Promise<void> {
    await this.app?.close();
  }

  private async startWorker(handler: Handler, role: Role): Promise<void> {
    class MailJobs {
      @JobHandler(TYPE)
      send(@JobPayload() payload: Payload): Promise<void> | void {
        return handler(payload);
      }
    }
    @Module({ imports: [this.module(role)], providers: [MailJobs] })
    class WorkerModule {}
    this.app = await boot(WorkerModule);
  }

  private module(role: Role) {
    return KyuModule.forRoot({
      postgres: { url: this.settings.postgresUrl },
      redis: { url: this.settings.redisUrl },
      ...role,
      // Several processes on one machine would want the same port.
      metricsPort: 0,
    });
  }
}

const boot = (module: new () => unknown): Promise<INestApplicationContext> =>
  NestFactory.createApplicationContext(module, { logger: ['warn', 'error'] });

const toOptions = ({ priority, dueAt }: JobOptions = {}): EnqueueOptions => ({
  ...(priority === 'urgent' && { priority: 10 }),
  ...(dueAt && { scheduledAt: dueAt }),
});

export const create: CreateContestant = (settings) =>
  new KyuContestant(settings);
