import 'reflect-metadata';
import {
  Injectable,
  Module,
  UseGuards,
  UsePipes,
  ValidationPipe,
  VersioningType,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cron, Interval, ScheduleModule } from '@nestjs/schedule';
import { IsInt } from 'class-validator';
import { map, type Observable } from 'rxjs';
import type { EntityManager } from 'typeorm';
import {
  getQueueToken,
  JobContext,
  JobHandler,
  JobManager,
  JobPayload,
  JobQueue,
  KyuExecutionContext,
  KyuModule,
  QueueService,
} from '../../../libs/kyu/src/index.js';

/** Entry of the processes of `whole-application.e2e-spec.ts`: what a team has before Kyu comes. */
export interface WholeSettings {
  postgresUrl: string;
  redisUrl: string;
  schema: string;
  queueName: string;
}

export type WholeReport =
  | {
      kind: 'ready';
      metrics: { refused: number; status: number; text: string };
    }
  | { kind: 'enqueued'; acknowledged: number }
  | { kind: 'runs'; ids: string[]; guarded: number }
  | { kind: 'ticks'; cron: number[]; interval: number[] }
  | { kind: 'closed' };

export type WholeOrder = { enqueue: number } | 'runs' | 'ticks' | 'close';

const settings = JSON.parse(process.argv[2]!) as WholeSettings;
const report = (what: WholeReport): void => {
  process.send?.(what);
};

const ids: string[] = [];
let guarded = 0;
const ticks: { cron: number[]; interval: number[] } = {
  cron: [],
  interval: [],
};

class Numbered {
  @IsInt()
  readonly number!: number;
}

/** As most Nest applications validate, and with `validateCustomDecorators`, which jobs need. */
const validation = new ValidationPipe({
  transform: true,
  validateCustomDecorators: true,
});

/** The guard of the application's jobs. */
@Injectable()
class CountingGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (KyuExecutionContext.of(context).job.attempt === 1) guarded += 1;
    return true;
  }
}

@Injectable()
@UseGuards(CountingGuard)
@UsePipes(validation)
class Jobs {
  @JobHandler('count')
  count(@JobPayload() _: Numbered, @JobContext() job: JobContext): void {
    ids.push(job.id);
  }

  @JobHandler('book', { transactional: true })
  async book(
    @JobPayload() { number }: Numbered,
    @JobContext() job: JobContext,
    @JobManager() manager: EntityManager,
  ): Promise<void> {
    await manager.query(
      `INSERT INTO "${settings.schema}".bookings (job, number) VALUES ($1, $2)`,
      [job.id, number],
    );
  }
}

@Injectable()
@JobQueue('billing')
@UseGuards(CountingGuard)
@UsePipes(validation)
class BillingJobs {
  @JobHandler('charge')
  charge(@JobPayload() _: Numbered, @JobContext() job: JobContext): void {
    ids.push(job.id);
  }
}

/** The application's own clockwork, which was there before Kyu. */
@Injectable()
class Clockwork {
  @Cron('* * * * * *')
  everySecond(): void {
    ticks.cron.push(Date.now());
  }

  @Interval(1_000)
  alsoEverySecond(): void {
    ticks.interval.push(Date.now());
  }
}

/** Written for HTTP: nothing passes without a password. */
@Injectable()
class PasswordGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return (
      context.switchToHttp().getRequest<{ headers: Record<string, unknown> }>()
        .headers['x-password'] === 'open'
    );
  }
}

/** Written for HTTP: every answer is wrapped. */
class WrappingInterceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

const common = {
  postgres: { url: settings.postgresUrl, schema: settings.schema },
  redis: { url: settings.redisUrl },
  metricsPort: 0,
  workers: 10,
};

@Module({
  imports: [
    ScheduleModule.forRoot(),
    KyuModule.forRoot({
      ...common,
      queueName: settings.queueName,
    }),
    KyuModule.forRoot({
      ...common,
      name: 'billing',
      queueName: `${settings.queueName}:billing`,
    }),
  ],
  providers: [Jobs, BillingJobs, CountingGuard, Clockwork],
})
class App {}

const app = await NestFactory.create(App, { logger: ['log', 'warn', 'error'] });
app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
app.useGlobalGuards(new PasswordGuard());
app.useGlobalInterceptors(new WrappingInterceptor());
app.useGlobalPipes(validation);
app.enableShutdownHooks();
await app.listen(0, '127.0.0.1');

const queue = app.get(QueueService);
const billing = app.get<QueueService>(getQueueToken('billing'));

/** Most in bulk, some one by one, and every twentieth in the other queue. */
async function enqueue(count: number): Promise<number> {
  const jobs = Array.from({ length: count }, (_, number) => ({ number }));
  const single = jobs.slice(0, count / 20);
  const charges = jobs.slice(count / 20, count / 10);
  const bookings = jobs.slice(count / 10, (3 * count) / 20);
  const bulk = jobs.slice((3 * count) / 20);
  const acknowledged = await Promise.all([
    ...single.map((payload) => queue.enqueue('count', payload)),
    billing.enqueueMany(
      charges.map((payload) => ({ type: 'charge', payload })),
    ),
    queue.enqueueMany(bookings.map((payload) => ({ type: 'book', payload }))),
  ]);
  for (let start = 0; start < bulk.length; start += 1_000)
    acknowledged.push(
      await queue.enqueueMany(
        bulk
          .slice(start, start + 1_000)
          .map((payload) => ({ type: 'count', payload })),
      ),
    );
  return acknowledged.flat().length;
}

process.on('message', (order: WholeOrder) => {
  if (order === 'runs') report({ kind: 'runs', ids, guarded });
  else if (order === 'ticks') report({ kind: 'ticks', ...ticks });
  else if (order === 'close')
    void app.close().then(() => report({ kind: 'closed' }));
  else
    void enqueue(order.enqueue).then((acknowledged) =>
      report({ kind: 'enqueued', acknowledged }),
    );
});
process.on('disconnect', () => process.exit(1)); // the tests are gone

const metrics = `${await app.getUrl()}/metrics`;
const refused = await fetch(metrics);
const answer = await fetch(metrics, { headers: { 'x-password': 'open' } });
report({
  kind: 'ready',
  metrics: {
    refused: refused.status,
    status: answer.status,
    text: await answer.text(),
  },
});
