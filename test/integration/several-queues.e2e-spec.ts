import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { Interval, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { getDataSourceToken, getRepositoryToken } from '@nestjs/typeorm';
import {
  defineJob,
  getQueueToken,
  InjectQueue,
  Job,
  JobContext,
  JobHandler,
  JobQueue,
  KyuEvents,
  KyuModule,
  QueueService,
  type KyuOptions,
} from '@kyu/nestjs';
import { nextEvent, until } from '@kyu/testing';
import { bootApp, newGround, type Ground } from '../support/boot-app.js';
import { Gate } from '../support/gate.js';

/** Two registrations in one database: each with the tables of its own ground. */
function twoGrounds(more: KyuOptions = {}): {
  main: Ground;
  billing: Ground;
  imports: ReturnType<typeof KyuModule.forRoot>[];
} {
  const [main, billing] = [newGround(), newGround()];
  return {
    main,
    billing,
    imports: [
      KyuModule.forRoot({ ...main.options(more) }),
      KyuModule.forRoot({ name: 'billing', ...billing.options(more) }),
    ],
  };
}

async function ended(queue: QueueService, id: string): Promise<Job> {
  const finished = async (): Promise<Job | undefined> => {
    const job = await queue.inspect(id);
    return ['completed', 'dead'].includes(job.status) ? job : undefined;
  };
  await until('the job to end', async () => (await finished()) !== undefined);
  return (await finished())!;
}

@Injectable()
class Desk {
  constructor(
    readonly main: QueueService,
    @InjectQueue() readonly same: QueueService,
    @InjectQueue('billing') readonly billing: QueueService,
    readonly events: KyuEvents,
  ) {}
}

@Injectable()
class MainJobs {
  @JobHandler('charge')
  charge(_: unknown, job: JobContext): string {
    return `main: ${job.queue}`;
  }

  @JobHandler('invoice', { queue: 'billing', maxRetries: 7 })
  invoice(_: unknown, job: JobContext): string {
    return `billing: ${job.queue}`;
  }
}

@JobQueue('billing')
@Injectable()
class BillingJobs {
  @JobHandler('charge')
  charge(_: unknown, job: JobContext): string {
    return `billing: ${job.queue}`;
  }
}

describe('two registrations', () => {
  it('each have a QueueService, and run the handlers that are bound to them', async () => {
    const { main, billing, imports } = twoGrounds();
    const app = await bootApp({
      imports,
      providers: [Desk, MainJobs, BillingJobs],
    });
    const desk = app.get(Desk);
    expect(desk.same).toBe(desk.main);
    expect(desk.billing).not.toBe(desk.main);

    const charge = await desk.main.enqueue('charge', null);
    expect((await ended(desk.main, charge)).result).toBe(
      `main: ${main.queueName}`,
    );
    const billed = await desk.billing.enqueue('charge', null);
    expect((await ended(desk.billing, billed)).result).toBe(
      `billing: ${billing.queueName}`,
    );
    const invoice = await desk.billing.enqueue('invoice', null);
    expect(await ended(desk.billing, invoice)).toMatchObject({
      result: `billing: ${billing.queueName}`,
      maxRetries: 7,
    });
    await expect(desk.main.inspect(billed)).rejects.toMatchObject({
      code: 'KYU_JOB_NOT_FOUND',
    });
    expect(await main.sql('SELECT job_type FROM jobs')).toEqual([
      { job_type: 'charge' },
    ]);
    expect(await billing.sql('SELECT job_type FROM jobs')).toHaveLength(2);
  });

  it.each(['first', 'last'])(
    'answer app.get(QueueService) with the default one, imported %s',
    async (place) => {
      const { main, imports } = twoGrounds();
      const app = await bootApp({
        imports: place === 'first' ? imports : imports.toReversed(),
        providers: [Desk],
      });
      const { main: injected, billing, events } = app.get(Desk);
      expect(app.get(QueueService)).toBe(injected);
      expect(app.get(KyuEvents)).toBe(events);
      expect(app.get(getQueueToken())).toBe(injected);
      expect(app.get(getQueueToken('billing'))).toBe(billing);
      await app.get(QueueService).enqueue('job', null);
      expect(await main.sql('SELECT FROM jobs')).toHaveLength(1);
    },
  );

  it('run the jobs of a definition where it belongs, without saying it again', async () => {
    const Refund = defineJob<{ cents: number }, string>('refund', {
      queue: 'billing',
    });
    @Injectable()
    class Refunds {
      @JobHandler(Refund)
      refund(_: { cents: number }, job: JobContext): string {
        return job.queue;
      }
    }
    const { billing, imports } = twoGrounds();
    const app = await bootApp({ imports, providers: [Desk, Refunds] });
    const desk = app.get(Desk);
    await expect(desk.main.enqueue(Refund, { cents: 1 })).rejects.toThrow(
      "enqueue it with @InjectQueue('billing')",
    );
    const id = await desk.billing.enqueue(Refund, { cents: 1 });
    expect((await ended(desk.billing, id)).result).toBe(billing.queueName);

    expect(() => desk.main.register(Refund, () => 'main')).toThrow(
      "register its handler with @InjectQueue('billing')",
    );
    desk.billing.register(Refund, ({ cents }) => `refunded ${cents}`);
    const again = await desk.billing.enqueue(Refund, { cents: 2 });
    expect((await ended(desk.billing, again)).result).toBe('refunded 2');
  });

  it('have their own events, data source and repository', async () => {
    const { imports } = twoGrounds();
    const app = await bootApp({ imports, providers: [Desk, BillingJobs] });
    const desk = app.get(Desk);
    expect(desk.main.events).toBe(desk.events);
    const ofMain: unknown[] = [];
    desk.main.events.on('job.enqueued', (event) => ofMain.push(event));
    const settled = nextEvent(desk.billing.events, 'job.settled');
    const id = await desk.billing.enqueue('charge', null);
    expect((await settled).id).toBe(id);
    expect(ofMain).toEqual([]);

    const source = app.get(getDataSourceToken('kyu:billing'));
    const jobs = app.get(getRepositoryToken(Job, 'kyu:billing'));
    expect(await jobs.findBy({ id })).toHaveLength(1);
    expect(app.get(getDataSourceToken('kyu'))).not.toBe(source);
  });

  it('have their own workers and limits', async () => {
    const [main, billing] = [newGround(), newGround()];
    const gate = new Gate();
    const most = { main: 0, billing: 0 };
    const app = await bootApp({
      imports: [
        KyuModule.forRoot(main.options({ workers: 1 })),
        KyuModule.forRoot({
          name: 'billing',
          ...billing.options({ workers: 3 }),
        }),
      ],
      providers: [Desk],
    });
    const desk = app.get(Desk);
    for (const name of ['main', 'billing'] as const) {
      let running = 0;
      desk[name].register('work', async () => {
        most[name] = Math.max(most[name], ++running);
        await gate.wait();
        running--;
      });
      await desk[name].enqueueMany(
        Array.from({ length: 6 }, () => ({ type: 'work', payload: null })),
      );
    }
    await until('all slots to be taken', () => gate.arrivals === 4);
    gate.open();
    await until('all to end', async () => {
      const rows = [...(await main.sql(DONE)), ...(await billing.sql(DONE))];
      return rows.length === 12;
    });
    expect(most).toEqual({ main: 1, billing: 3 });
  });

  it('may share tables and a data source: each runs its own jobs', async () => {
    const main = newGround();
    const owner = await bootApp({
      imports: [KyuModule.forRoot(main.options())],
    });
    const dataSource = owner.get(getDataSourceToken('kyu'));
    const both = { ...main.options({ postgres: { dataSource } }) };
    const app = await bootApp({
      imports: [
        KyuModule.forRoot({ ...both, queueName: `${main.queueName}-a` }),
        KyuModule.forRoot({
          ...both,
          name: 'billing',
          queueName: `${main.queueName}-b`,
        }),
      ],
      providers: [Desk, MainJobs, BillingJobs],
    });
    const desk = app.get(Desk);
    const ids = [
      await desk.main.enqueue('charge', null),
      await desk.billing.enqueue('charge', null),
    ];
    expect((await ended(desk.main, ids[0]!)).result).toContain('main');
    expect((await ended(desk.billing, ids[1]!)).result).toContain('billing');
  });

  it('take options from factories, the name beside them', async () => {
    const [main, billing] = [newGround(), newGround()];
    @Module({
      providers: [{ provide: 'OPTIONS', useValue: billing.options() }],
      exports: ['OPTIONS'],
    })
    class Options {}
    const app = await bootApp({
      imports: [
        KyuModule.forRootAsync({ useFactory: () => main.options() }),
        KyuModule.forRootAsync({
          name: 'billing',
          imports: [Options],
          inject: ['OPTIONS'],
          useFactory: (options: KyuOptions) => options,
        }),
      ],
      providers: [Desk, BillingJobs],
    });
    const { billing: queue } = app.get(Desk);
    expect(
      (await ended(queue, await queue.enqueue('charge', null))).result,
    ).toBe(`billing: ${billing.queueName}`);
  });

  it('run every tick of @nestjs/schedule once each', async () => {
    const { imports, main, billing } = twoGrounds();
    const calls: number[] = [];
    @Injectable()
    class Clock {
      @Interval(60)
      tick(): void {
        calls.push(performance.now());
      }
    }
    const app = await bootApp({
      imports: [...imports, ScheduleModule.forRoot()],
      providers: [Clock],
    });
    // Scheduler, StaleReaper and Pruner of two registrations, and the clock.
    expect(app.get(SchedulerRegistry).getIntervals()).toHaveLength(7);
    await until('eleven calls', () => calls.length >= 11);
    expect(calls[10]! - calls[0]!).toBeGreaterThan(10 * 60 * 0.8);
    expect([
      ...main.logger.messages('warn'),
      ...billing.logger.messages('warn'),
    ]).toEqual([]);
  });
});

const DONE = `SELECT FROM jobs WHERE status = 'completed'`;

describe('only named registrations', () => {
  it('work, and a handler that names its queue needs no other', async () => {
    const billing = newGround();
    @Injectable()
    class Billing {
      constructor(@InjectQueue('billing') readonly queue: QueueService) {}
    }
    const app = await bootApp({
      imports: [KyuModule.forRoot({ name: 'billing', ...billing.options() })],
      providers: [Billing, BillingJobs],
    });
    const { queue } = app.get(Billing);
    const id = await queue.enqueue('charge', null);
    expect((await ended(queue, id)).status).toBe('completed');
  });
});

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('the metrics of two registrations', () => {
  it('are two pages, in the application and on the port that they share', async () => {
    const [main, billing] = [newGround(), newGround()];
    const metricsPort = await freePort();
    @Controller()
    class Root {
      @Get()
      root(): string {
        return 'root';
      }
    }
    const app = await bootApp({
      imports: [
        KyuModule.forRoot(main.options({ metricsPort })),
        KyuModule.forRoot({
          name: 'billing',
          ...billing.options({ metricsPort }),
        }),
      ],
      controllers: [Root],
      providers: [Desk, BillingJobs],
    });
    await app.listen(0, '127.0.0.1');
    const desk = app.get(Desk);
    const id = await desk.billing.enqueue('charge', null);
    await ended(desk.billing, id);
    for (const base of [
      await app.getUrl(),
      `http://127.0.0.1:${metricsPort}`,
    ]) {
      const page = async (path: string): Promise<string> =>
        (await fetch(base + path)).text();
      expect(await page('/metrics')).toContain('kyu_jobs_total 0');
      expect(await page('/metrics')).toContain('nodejs_eventloop_lag');
      const named = await page('/metrics/billing');
      expect(named).toContain('kyu_jobs_total{queue="billing"} 1');
      expect(named).not.toContain('nodejs_');
    }
    const nowhere = await fetch(`http://127.0.0.1:${metricsPort}/nowhere`);
    expect(await nowhere.text()).toBe('Try GET /metrics or /metrics/billing\n');
    expect([
      ...main.logger.messages('warn'),
      ...billing.logger.messages('warn'),
    ]).toEqual([]);
  });
});
