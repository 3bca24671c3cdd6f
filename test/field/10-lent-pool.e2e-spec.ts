import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import {
  KyuEvents,
  KyuModule,
  QueueService,
  type JobContext,
  type KyuOptions,
} from '@kyu/nestjs';
import { nextEvent, until } from '@kyu/testing';
import { DataSource } from 'typeorm';
import { KYU_OWN_DATA_SOURCE } from '../../libs/kyu/src/kyu.tokens.js';
import { poolOf } from '../../libs/kyu/src/store/pool-of.js';
import { openAppDataSource } from '../support/app-database.js';
import {
  bootApp,
  newGround,
  runSql,
  type Ground,
} from '../support/boot-app.js';
import { Gate } from '../support/gate.js';
import { runJob } from '../support/run-job.js';
import { POSTGRES_URL } from '../support/servers.js';

type Handlers = (
  dataSource: DataSource,
  queue: QueueService,
) => Record<string, (payload: unknown, context: JobContext) => unknown>;

/** An application that lends Kyu a pool of `poolSize` connections. */
async function lending(
  poolSize: number,
  handlers: Handlers,
  {
    ground = newGround(),
    options = {},
    transactional = false,
    extra = {},
  }: {
    ground?: Ground;
    options?: KyuOptions;
    transactional?: boolean;
    /** Of the lent pool. */
    extra?: object;
  } = {},
) {
  const dataSource = await openAppDataSource({
    poolSize,
    extra,
  });
  const app = await bootApp(
    {
      imports: [
        KyuModule.forRoot(
          ground.options({ ...options, postgres: { dataSource } }),
        ),
      ],
    },
    (unbooted) => {
      const queue = unbooted.get(QueueService);
      for (const [type, handler] of Object.entries(handlers(dataSource, queue)))
        queue.register(type, handler, {
          transactional: transactional && type === 'work',
        });
    },
  );
  return { app, ground, dataSource, queue: app.get(QueueService) };
}

const counts = async (ground: Ground): Promise<Record<string, number>> => {
  const rows = await ground.sql<{ is: string; count: number }>(
    `SELECT job_type || ' ' || status AS is, count(*)::int AS count FROM jobs GROUP BY 1`,
  );
  return Object.fromEntries(rows.map(({ is, count }) => [is, count]));
};

const many = (type: string, count: number) =>
  Array.from({ length: count }, () => ({ type, payload: null }));

describe('field 10: a lent pool that handlers hold', () => {
  it('does not keep an enqueue() of such a handler, nor any other statement of Kyu, waiting', async () => {
    const everyConnection = new Gate();
    const { ground, queue } = await lending(5, (dataSource, own) => ({
      work: () =>
        dataSource.transaction(async (manager) => {
          await manager.query('SELECT 1');
          void everyConnection.wait();
          await until('all five', () => everyConnection.arrivals >= 5);
          await own.enqueue('other', null); // without its manager
        }),
      other: () => undefined,
    }));
    await queue.enqueueMany(many('work', 5));
    await until('all ten', async () => {
      const { 'work completed': work, 'other completed': other } =
        await counts(ground);
      return work === 5 && other === 5;
    });
  });

  it('does not keep other jobs, a cancel, a heartbeat or the health waiting while they are blocked', async () => {
    const blocked = new Gate();
    const { ground, queue } = await lending(
      2,
      (dataSource) => ({
        work: () =>
          dataSource.transaction(async (manager) => {
            await manager.query('SELECT 1');
            await blocked.wait();
          }),
        other: () => 'ran',
      }),
      { options: { workers: 4, heartbeatInterval: 250 } },
    );
    await queue.enqueueMany(many('work', 2));
    await until('both connections held', () => blocked.arrivals === 2);

    const ids = await queue.enqueueMany(many('other', 20));
    await until('the others', async () => {
      const { 'other completed': done } = await counts(ground);
      return done === 20;
    });
    expect((await queue.inspect(ids[0]!)).result).toBe('ran');
    const later = await queue.enqueue('other', null, {
      scheduledAt: new Date(Date.now() + 3_600_000),
    });
    expect(await queue.cancelJob(later)).toBe('cancelled');
    const [{ at }] = (await ground.sql<{ at: Date }>(
      'SELECT heartbeat_at AS at FROM workers',
    )) as [{ at: Date }];
    await until('a beat', async () => {
      const [now] = await ground.sql<{ at: Date }>(
        'SELECT heartbeat_at AS at FROM workers',
      );
      return now!.at > at;
    });
    blocked.open();
    await until('the blocked', async () => {
      const { 'work completed': done } = await counts(ground);
      return done === 2;
    });
  });

  it('lets handlers fail at their timeout that wait for a connection which only another of them can free', async () => {
    const holding = new Gate();
    const { ground, queue, dataSource } = await lending(
      2,
      (lent) => ({
        work: (_, { signal }) =>
          lent.transaction(async (manager) => {
            await manager.query('SELECT 1');
            void holding.wait();
            await until('both', () => holding.arrivals >= 2);
            // The mistake: a second connection inside of a transaction. Without the signal it would be for ever.
            await Promise.race([
              lent.query('SELECT 2'),
              new Promise((_resolve, reject) => {
                signal.addEventListener('abort', () => reject(new Error('!')));
              }),
            ]);
          }),
        other: () => 'ran',
      }),
      { options: { workers: 2, timeout: 500, maxRetries: 0 } },
    );
    await queue.enqueueMany(many('work', 2));
    // The first that fails frees a connection, by which the other may still come to its end.
    await until('the end of both', async () => {
      const { 'work dead': dead, 'work completed': done = 0 } =
        await counts(ground);
      return dead !== undefined && dead + done === 2;
    });
    await queue.enqueue('other', null);
    await until('the other', async () => {
      const { 'other completed': done } = await counts(ground);
      return done === 1;
    });
    expect(await dataSource.query('SELECT 3 AS is')).toEqual([{ is: 3 }]);
  });

  it('leaves connections to queries of transactional handlers by the lent DataSource', async () => {
    const { ground, queue } = await lending(
      3,
      (lent, own) => ({
        work: async () => {
          await lent.query('SELECT 1');
          await lent.transaction((manager) => manager.query('SELECT 2'));
          await own.enqueue('other', null);
        },
        other: () => undefined,
      }),
      { transactional: true, options: { workers: 8 } },
    );
    await queue.enqueueMany(many('work', 24));
    await until('all', async () => {
      const done = await counts(ground);
      return done['work completed'] === 24 && done['other completed'] === 24;
    });
  });

  it.each<[string, object]>([
    ['without a timer of its own', {}],
    [
      'whose own timer is shorter than that of Kyu',
      { connectionTimeoutMillis: 100 },
    ],
  ])(
    'takes a transactional job back that gets no connection there, and says why: a pool %s',
    async (_, extra) => {
      const blocked = new Gate();
      const { app, ground, queue } = await lending(
        3,
        (lent) => ({
          hold: () =>
            lent.transaction(async (manager) => {
              await manager.query('SELECT 1');
              await blocked.wait();
            }),
          work: (__, { attempt }) => attempt,
        }),
        {
          extra,
          transactional: true,
          options: {
            workers: 4,
            heartbeatInterval: 250,
            heartbeatTimeout: 1_000,
          },
        },
      );
      await queue.enqueueMany(many('hold', 3));
      await until('all connections held', () => blocked.arrivals === 3);
      const released = nextEvent(app.get(KyuEvents), 'job.released');
      const id = await queue.enqueue('work', null);
      expect(await released).toMatchObject({ id });
      expect(ground.logger.messages('warn')).toContainEqual(
        expect.stringMatching(
          /goes back, as its transaction could not begin: .*handlers hold all connections of the pool/,
        ),
      );
      // It is no outage of PostgreSQL.
      expect(ground.logger.messages('error')).toEqual([]);
      blocked.open();
      await until('its end', async () => {
        const job = await queue.inspect(id);
        return job.status === 'completed' && job.result === 1;
      });
    },
  );

  it('is reached the same way by Kyu, also where its password is a function', async () => {
    const { hostname, port, username, password, pathname } = new URL(
      POSTGRES_URL,
    );
    const ground = newGround();
    const dataSource = await openAppDataSource({
      url: undefined,
      host: hostname,
      port: Number(port),
      username: decodeURIComponent(username),
      password: async () => decodeURIComponent(password),
      database: pathname.slice(1),
    });
    const app = await bootApp(
      {
        imports: [
          KyuModule.forRoot(ground.options({ postgres: { dataSource } })),
        ],
      },
      (unbooted) => unbooted.get(QueueService).register('job', () => 'done'),
    );
    expect((await runJob(app, 'job')).result).toBe('done');
  });

  it('is reached the same way by Kyu and its heartbeat where its ssl is null, with a timer that the boot knows', async () => {
    const { app, ground } = await lending(
      7,
      () => ({ work: () => undefined }),
      { extra: { ssl: null } },
    );
    expect(ground.logger.messages('warn')).toEqual([]);
    const own = app.get<DataSource>(KYU_OWN_DATA_SOURCE);
    expect(own.options).toMatchObject({
      connectTimeoutMS: poolOf(own).options.connectionTimeoutMillis,
    });
  });

  it('has few connections of Kyu beside it, which go with the application', async () => {
    const { app, ground, queue, dataSource } = await lending(5, () => ({
      work: () => undefined,
    }));
    await queue.enqueueMany(many('work', 200));
    await until('all', async () => {
      const { 'work completed': done } = await counts(ground);
      return done === 200;
    });
    // The last statement of each session names the schema.
    const own = () =>
      runSql(
        `SELECT FROM pg_stat_activity WHERE application_name = 'kyu' AND query LIKE '%' || $1 || '%'`,
        [ground.schema],
      );
    const open = (await own()).length;
    expect(open).toBeGreaterThan(0);
    expect(open).toBeLessThanOrEqual(5);
    await app.close();
    await until('their end', async () => (await own()).length === 0);
    expect(dataSource.isInitialized).toBe(true);
  });
});

describe('field 10: a lent pool that is too small', () => {
  const idle: Handlers = () => ({ work: () => undefined });

  it('is warned of at boot, with the numbers', async () => {
    const { ground } = await lending(5, idle);
    expect(ground.logger.messages('warn')).toEqual([
      'postgres.dataSource has a pool of 5 connections, and 5 jobs run at once in this process. Handlers that each hold one and need a second wait for ever. ' +
        "Give the DataSource poolSize 7 or more (the jobs at once, and 2), or run fewer jobs at once: workers. Kyu's own statements have connections of their own.",
    ]);
  });

  it.each<[string, number, KyuOptions]>([
    ['is large enough', 7, {}],
    ['is of a process that runs no jobs', 2, { mode: 'producer' }],
    ['serves few workers', 3, { workers: 1 }],
  ])('is not warned of when it %s', async (_, poolSize, options) => {
    const { ground } = await lending(poolSize, idle, { options });
    expect(ground.logger.messages('warn')).toEqual([]);
  });

  it('is warned of once, by what all registrations run that share it', async () => {
    const [main, billing] = [newGround(), newGround()];
    const app = await bootApp({
      imports: [
        TypeOrmModule.forRoot({
          type: 'postgres',
          url: POSTGRES_URL,
          poolSize: 8,
          retryAttempts: 0,
        }),
        ...[
          { ground: main, name: undefined },
          { ground: billing, name: 'billing' },
        ].map(({ ground, name }) =>
          KyuModule.forRootAsync({
            name,
            inject: [getDataSourceToken()],
            useFactory: (dataSource: DataSource) =>
              ground.options({ postgres: { dataSource }, workers: 4 }),
          }),
        ),
      ],
    });
    expect(app.get(DataSource).isInitialized).toBe(true);
    expect(main.logger.messages('warn')).toEqual([
      expect.stringMatching(/pool of 8 connections, and 8 jobs.* poolSize 10 /),
    ]);
    expect(billing.logger.messages('warn')).toEqual([]);
  });
});
