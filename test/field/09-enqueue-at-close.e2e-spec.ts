import {
  Global,
  Injectable,
  Module,
  type BeforeApplicationShutdown,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type Type,
} from '@nestjs/common';
import {
  defineJob,
  getQueueToken,
  InjectQueue,
  KyuModule,
  QueueService,
} from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { bootApp, newGround } from '../support/boot-app.js';
import { openAppDataSource } from '../support/app-database.js';
import { Gate } from '../support/gate.js';
import { holdInserts } from '../support/hold-inserts.js';
import { POSTGRES_URL } from '../support/servers.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

const CLOSED = { code: 'KYU_QUEUE_CLOSED', outcome: 'not done' };

const NO_JOB = '00000000-0000-7000-8000-000000000000';

/** Waits until what is called now comes too late. */
const closedTo = ({ queue }: TestKyu): Promise<unknown> =>
  until('the end of the queue', () =>
    queue
      .inspect(NO_JOB)
      .catch(({ code }: { code?: string }) => code !== 'KYU_JOB_NOT_FOUND'),
  );

/** One more turn of the event loop, in which a coalesced batch goes out. */
const turn = (): Promise<void> =>
  new Promise((resolve) => setImmediate(resolve));

describe('field 09: enqueue() in flight at app.close()', () => {
  it('completes, whatever of it was sent by then', async () => {
    const kyu = await startKyu({ options: { mode: 'producer' } });
    const held = await holdInserts(kyu);
    const calls: Promise<unknown>[] = [];
    // Two batches that PostgreSQL keeps waiting, and what gathers behind them.
    for (let i = 0; i < 2; i++) {
      calls.push(kyu.queue.enqueue('work', i));
      await turn();
    }
    await held.pid();
    calls.push(kyu.queue.enqueue('work', 2), kyu.queue.enqueue('work', 3));
    calls.push(kyu.queue.enqueueMany([{ type: 'work', payload: 4 }]));
    let closed = false;
    const closing = kyu.close().then(() => (closed = true));
    await closedTo(kyu);
    expect(closed).toBe(false);
    await held.release();
    await expect(Promise.all(calls)).resolves.toHaveLength(5);
    await closing;
    const rows = await kyu.sql<{ payload: number }>('SELECT payload FROM jobs');
    expect(new Set(rows.map(({ payload }) => payload))).toEqual(
      new Set([0, 1, 2, 3, 4]),
    );
  });

  it('completes while its schema is still asked', async () => {
    const kyu = await startKyu({ options: { mode: 'producer' } });
    const gate = new Gate();
    const work = defineJob('work', {
      schema: {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: async (value: unknown) => {
            await gate.wait();
            return { value };
          },
        },
      },
    });
    const call = kyu.queue.enqueue(work, 'late');
    await until('the schema', () => gate.arrivals === 1);
    const closing = kyu.close();
    await closedTo(kyu);
    gate.open();
    await closing;
    await call;
    expect(await kyu.sql('SELECT payload FROM jobs')).toEqual([
      { payload: 'late' },
    ]);
  });
});

describe('field 09: the shutdown hooks of the application', () => {
  /** Enqueues from each hook, and does not wait for it: who closes last waits. */
  const hooksOf = (where: string): Type => {
    @Injectable()
    class Hooks
      implements
        OnModuleDestroy,
        BeforeApplicationShutdown,
        OnApplicationShutdown
    {
      constructor(
        private readonly queue: QueueService,
        @InjectQueue('billing') private readonly billing: QueueService,
      ) {}
      onModuleDestroy = (): void => this.enqueue('onModuleDestroy');
      beforeApplicationShutdown = (): void =>
        this.enqueue('beforeApplicationShutdown');
      async onApplicationShutdown(): Promise<void> {
        this.enqueue('onApplicationShutdown');
        await this.queue.enqueue('last', `${where}: awaited`);
      }
      private enqueue(hook: string): void {
        for (const queue of [this.queue, this.billing])
          queue
            .enqueue('last', `${where}: ${hook}`)
            .catch((error: Error) => failures.push(error));
      }
    }
    return Hooks;
  };
  const failures: Error[] = [];

  it('may enqueue to the last, in every module and every queue', async () => {
    failures.length = 0;
    const ground = newGround();
    const { schema } = ground;
    @Global()
    @Module({ providers: [hooksOf('global')] })
    class Everywhere {}
    @Module({ providers: [hooksOf('deep')] })
    class Deep {}
    @Module({ imports: [Deep] })
    class Feature {}
    const app = await bootApp({
      imports: [
        Everywhere,
        KyuModule.forRoot(ground.options()),
        Feature,
        KyuModule.forRoot({
          ...ground.options({ postgres: { schema } }),
          name: 'billing',
          queueName: `${ground.queueName}:billing`,
        }),
      ],
      providers: [hooksOf('root')],
    });
    app.get(QueueService).register('last', () => undefined);
    await app.close();
    expect(failures).toEqual([]);
    const rows = await ground.sql<{ count: string; payload: string }>(
      `SELECT payload #>> '{}' AS payload, count(*) FROM jobs GROUP BY 1`,
    );
    expect(
      rows.map(({ payload, count }) => `${count} ${payload}`).sort(),
    ).toEqual(
      ['deep', 'global', 'root']
        .flatMap((where) => [
          `1 ${where}: awaited`,
          `2 ${where}: beforeApplicationShutdown`,
          `2 ${where}: onApplicationShutdown`,
          `2 ${where}: onModuleDestroy`,
        ])
        .sort(),
    );
  });
});

describe('field 09: what comes after app.close()', () => {
  it('is refused with a typed error, in every queue', async () => {
    const ground = newGround();
    const billing = {
      ...ground.options(),
      name: 'billing',
      queueName: `${ground.queueName}:billing`,
    };
    const app = await bootApp({
      imports: [
        KyuModule.forRoot(ground.options()),
        KyuModule.forRoot({ ...billing, mode: 'producer' }),
      ],
    });
    const queues = [
      app.get(QueueService),
      app.get<QueueService>(getQueueToken('billing')),
    ];
    const dataSource = await openAppDataSource();
    const id = await queues[0]!.enqueue('work', null);
    await app.close();
    for (const queue of queues)
      await dataSource.transaction(async (manager) => {
        const calls: [string, () => Promise<unknown>][] = [
          ['enqueue', () => queue.enqueue('work', null)],
          ['manager', () => queue.enqueue('work', null, { manager })],
          ['many', () => queue.enqueueMany([{ type: 'work', payload: 1 }])],
          ['stage', () => queue.stage(id)],
          ['inspect', () => queue.inspect(id)],
          ['deadJobs', () => queue.deadJobs()],
          ['cancelJob', () => queue.cancelJob(id)],
          ['runOnce', () => queue.runOnce()],
        ];
        for (const [name, call] of calls) {
          const error = await call().catch((thrown: unknown) => thrown);
          expect([name, error]).toEqual([
            name,
            expect.objectContaining(CLOSED),
          ]);
        }
      });
    expect(await ground.sql('SELECT id FROM jobs')).toEqual([{ id }]);
  });

  it('runOnce() is refused from the first hook on: nothing begins in an application that ends', async () => {
    let thrown: unknown;
    @Injectable()
    class Runs implements OnModuleDestroy {
      constructor(private readonly queue: QueueService) {}
      async onModuleDestroy(): Promise<void> {
        await this.queue.enqueue('work', null);
        thrown = await this.queue.runOnce().catch((error: unknown) => error);
      }
    }
    const kyu = await startKyu({
      providers: [Runs],
      options: { mode: 'producer' },
      handlers: { work: () => undefined },
    });
    await kyu.close();
    expect(thrown).toMatchObject(CLOSED);
    expect(await kyu.sql('SELECT status FROM jobs')).toEqual([
      { status: 'pending' },
    ]);
  });

  it('is the same where the application lends its DataSource and closes it', async () => {
    const ground = newGround();
    const { schema } = ground;
    const app = await bootApp({
      imports: [
        KyuModule.forRootAsync({
          inject: [DataSource],
          useFactory: (dataSource: DataSource) =>
            ground.options({
              mode: 'producer',
              postgres: { dataSource, schema },
            }),
        }),
        TypeOrmModule.forRoot({ type: 'postgres', url: POSTGRES_URL }),
      ],
    });
    const queue = app.get(QueueService);
    const inFlight = queue.enqueue('work', 'in flight');
    await app.close();
    await inFlight;
    await expect(queue.enqueue('work', null)).rejects.toMatchObject(CLOSED);
    await expect(queue.inspect(await inFlight)).rejects.toMatchObject(CLOSED);
  });

  it('is the same where a lent DataSource is closed before: until the application is, Kyu has connections of its own', async () => {
    const dataSource = await openAppDataSource();
    const kyu = await startKyu({
      options: { mode: 'producer', postgres: { url: undefined, dataSource } },
    });
    await dataSource.destroy();
    await kyu.queue.enqueue('work', null);
    await kyu.close();
    await expect(kyu.queue.enqueue('work', null)).rejects.toMatchObject(CLOSED);
    await expect(kyu.queue.deadJobs()).rejects.toMatchObject(CLOSED);
  });
});
