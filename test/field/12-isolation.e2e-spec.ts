import {
  KYU_DATA_SOURCE,
  PostgresUnavailableError,
  TransactionConflictError,
  type KyuOptions,
} from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { getDataSourceToken } from '@nestjs/typeorm';
import {
  EventSubscriber,
  type DataSource,
  type EntitySubscriberInterface,
  type QueryRunner,
  type TransactionStartEvent,
} from 'typeorm';
import type { IsolationLevel } from 'typeorm/driver/types/IsolationLevel.js';
import { Database } from '../../libs/kyu/src/store/database.js';
import { Sessions } from '../../libs/kyu/src/store/sessions.js';
import { Statement } from '../../libs/kyu/src/store/statement.js';
import { createOrders, openAppDataSource } from '../support/app-database.js';
import { runSql } from '../support/boot-app.js';
import { runJob } from '../support/run-job.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';
import { newRole } from '../support/test-role.js';

const JOBS = 1_000;

/** Options of Kyu for sessions of this isolation. */
const SESSIONS: [
  string,
  (isolation: string) => Promise<KyuOptions['postgres']>,
][] = [
  [
    'a lent DataSource, by its options',
    async (isolation) => ({
      url: undefined,
      dataSource: await openAppDataSource({
        poolSize: 20,
        extra: {
          options: `-c default_transaction_isolation=${isolation.replace(' ', '\\ ')}`,
        },
      }),
    }),
  ],
  [
    'a lent DataSource, by its role',
    async (isolation) => ({
      url: undefined,
      dataSource: await openAppDataSource({
        url: (
          await newRole({ default_transaction_isolation: `'${isolation}'` })
        ).url,
        poolSize: 20,
      }),
    }),
  ],
  [
    "a lent DataSource, by TypeORM's option",
    async (isolation) => ({
      url: undefined,
      dataSource: await openAppDataSource({
        isolationLevel: isolation.toUpperCase() as IsolationLevel,
        poolSize: 20,
      }),
    }),
  ],
  [
    "Kyu's own DataSource, by its role",
    async (isolation) => ({
      url: (await newRole({ default_transaction_isolation: `'${isolation}'` }))
        .url,
    }),
  ],
];

const count = async (kyu: TestKyu, where: string): Promise<number> => {
  const [row] = await kyu.sql<{ n: number }>(
    `SELECT count(*)::int AS n FROM jobs WHERE ${where}`,
  );
  return row!.n;
};

/** Every insert of a job changes the first of the orders, too. */
async function collideAt(kyu: TestKyu, orders: string): Promise<void> {
  await kyu.sql(
    `CREATE FUNCTION "${kyu.schema}".collide() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN UPDATE ${orders} SET twin = 1 WHERE id = 1; PERFORM pg_sleep(0.01); RETURN NEW; END $$`,
  );
  await kyu.sql(
    `CREATE TRIGGER collide BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION "${kyu.schema}".collide()`,
  );
}

/** All connections of its pool. */
async function takeAll(
  dataSource: DataSource,
  size: number,
): Promise<QueryRunner[]> {
  const runners = Array.from({ length: size }, () =>
    dataSource.createQueryRunner(),
  );
  await Promise.all(runners.map((runner) => runner.connect()));
  return runners;
}

describe.each([
  ...SESSIONS.map((sessions) => ['serializable', ...sessions] as const),
  ['repeatable read', ...SESSIONS[0]!] as const,
])('field 12: sessions are %s: %s', (isolation, _, postgresOf) => {
  it('130 enqueues at once all succeed, and transactional jobs complete at their first try', async () => {
    const postgres = await postgresOf(isolation);
    const kyu = await startKyu({ options: { postgres, workers: 10 } });
    const orders = await createOrders(kyu);
    await kyu.sql(
      `GRANT ALL ON ${orders} TO PUBLIC; GRANT USAGE ON SCHEMA "${kyu.schema}" TO PUBLIC`,
    );
    kyu.queue.register(
      'order',
      async (id: number, { manager }) => {
        await manager!.query(`INSERT INTO ${orders} VALUES ($1)`, [id]);
      },
      { transactional: true },
    );
    await Promise.all(
      Array.from({ length: 130 }, (__, id) => kyu.queue.enqueue('order', id)),
    );
    await until(
      'all to be completed',
      async () => (await count(kyu, `status = 'completed'`)) === 130,
      30_000,
    );
    expect(await count(kyu, 'retry_count > 0')).toBe(0);
    expect(await runSql(`SELECT count(*)::int AS n FROM ${orders}`)).toEqual([
      { n: 130 },
    ]);
    expect(kyu.logger.messages('error')).toEqual([]);
  });
});

it(`field 12: two workers drain a load of ${JOBS} jobs in serializable sessions, each job once`, async () => {
  const [, postgresOf] = SESSIONS[0]!;
  let runs = 0;
  const handlers = { count: () => void runs++ };
  const options = { postgres: await postgresOf('serializable'), workers: 10 };
  const kyu = await startKyu({ options, handlers });
  const second = await startKyu({
    options: { ...options, postgres: await postgresOf('serializable') },
    handlers,
    beside: kyu,
  });
  await second.queue.enqueueMany(
    Array.from({ length: JOBS }, (_, id) => ({ type: 'count', payload: id })),
  );
  await until(
    'all to be completed',
    async () => (await count(kyu, `status = 'completed'`)) === JOBS,
    60_000,
  );
  expect(runs).toBe(JOBS);
  // Kyu's own statements have sessions of their own, so there is nothing to warn of.
  expect(kyu.logger.messages('warn')).toEqual([]);
});

it('field 12: where the application makes sessions stricter later, a statement that loses is tried again', async () => {
  const kyu = await startKyu({
    options: { mode: 'producer', postgres: { maxConnections: 4 } },
  });
  const dataSource = kyu.app.get<DataSource>(
    getDataSourceToken(KYU_DATA_SOURCE),
  );
  // All enqueues want this row. In REPEATABLE READ whoever had to wait for it loses.
  const orders = await createOrders(kyu);
  await kyu.sql(`INSERT INTO ${orders} VALUES (1)`);
  await collideAt(kyu, orders);
  for (const client of await takeAll(dataSource, 4)) {
    await client.query(
      'SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ',
    );
    await client.release();
  }
  await Promise.all(
    Array.from({ length: 12 }, (_, id) =>
      kyu.queue.enqueueMany([{ type: 'count', payload: id }]),
    ),
  );
  expect(await count(kyu, 'true')).toBe(12);
});

it("field 12: a serialization failure in the caller's own transaction is the caller's, as a typed error", async () => {
  const kyu = await startKyu({ options: { mode: 'producer' } });
  const dataSource = await openAppDataSource();
  const orders = await createOrders(kyu);
  await kyu.sql(`INSERT INTO ${orders} VALUES (1)`);
  await collideAt(kyu, orders);
  const failure: unknown = await dataSource
    .transaction('REPEATABLE READ', async (manager) => {
      await manager.query(`SELECT FROM ${orders}`);
      await runSql(`UPDATE ${orders} SET twin = NULL WHERE id = 1`);
      await kyu.queue.enqueue('count', {}, { manager });
    })
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(TransactionConflictError);
  expect(failure).toMatchObject({
    code: 'KYU_TRANSACTION_CONFLICT',
    message: expect.stringContaining('try the whole of the transaction again'),
    cause: { code: '40001' },
  });
  expect(await count(kyu, 'true')).toBe(0);
});

describe('field 12: a subscriber that queries as soon as a transaction has begun', () => {
  /** As row level security needs it. */
  @EventSubscriber()
  class SetsTenant implements EntitySubscriberInterface {
    async afterTransactionStart({
      queryRunner,
    }: TransactionStartEvent): Promise<void> {
      await queryRunner.query(`SELECT set_config('app.tenant', '7', true)`);
    }
  }

  it.each<[string, () => Promise<DataSource>]>([
    [
      'by its role',
      async () =>
        openAppDataSource({
          url: (
            await newRole({ default_transaction_isolation: `'serializable'` })
          ).url,
          subscribers: [SetsTenant],
        }),
    ],
    [
      "by TypeORM's option",
      () =>
        openAppDataSource({
          isolationLevel: 'SERIALIZABLE',
          subscribers: [SetsTenant],
        }),
    ],
  ])(
    'keeps no transactional job from its READ COMMITTED where the session is serializable %s',
    async (_, open) => {
      const postgres = { url: undefined, dataSource: await open() };
      const kyu = await startKyu({ options: { postgres } });
      kyu.queue.register(
        'look',
        async (__: unknown, { manager }) => {
          const [row] = await manager!.query(
            `SELECT current_setting('transaction_isolation') AS isolation, current_setting('app.tenant') AS tenant`,
          );
          return row;
        },
        { transactional: true },
      );
      expect(await runJob(kyu.app, 'look')).toMatchObject({
        status: 'completed',
        result: { isolation: 'read committed', tenant: '7' },
      });
      expect(kyu.logger.messages('warn')).toEqual([]);
    },
  );
});

it('field 12: transactional jobs may write where the sessions of a lent DataSource are read only', async () => {
  const { url } = await newRole({ default_transaction_read_only: 'on' });
  const dataSource = await openAppDataSource({ url });
  const postgres = { url: undefined, dataSource };
  const kyu = await startKyu({ options: { postgres } });
  kyu.queue.register(
    'look',
    async (_: unknown, { manager }) => {
      const [row] = await manager!.query('SHOW transaction_read_only');
      return row;
    },
    { transactional: true },
  );
  expect(await runJob(kyu.app, 'look')).toMatchObject({
    status: 'completed',
    result: { transaction_read_only: 'off' },
  });
});

it('field 12: a connection that breaks in a transaction of a single statement costs that statement, and not the process', async () => {
  const { url } = await newRole({
    default_transaction_isolation: `'serializable'`,
  });
  const dataSource = await openAppDataSource({ url });
  const sessions = Sessions.of(dataSource);
  await sessions.look(dataSource);
  expect(sessions.right).toBe(false);
  const database = new Database(dataSource, { schema: 'none', prefix: '' });
  const sleep = new Statement('sleep', () => 'SELECT pg_sleep($1)');
  await Promise.all([
    expect(database.run(sleep, [60])).rejects.toThrow(PostgresUnavailableError),
    until('it to run', () =>
      runSql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE wait_event = 'PgSleep' AND usename = $1`,
        [new URL(url).username],
      ).then((rows) => rows.length > 0),
    ),
  ]);
  expect(await database.run(sleep, [0])).toHaveLength(1);
});
