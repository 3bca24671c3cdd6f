import { KyuModule, PostgresUnavailableError } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { bootApp, newGround, runSql } from '../support/boot-app.js';
import { createOrders, openAppDataSource } from '../support/app-database.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';
import { newRole } from '../support/test-role.js';
// After the two above: afterEach hooks run in the order in which they were defined, and the pooler
// has to outlive the applications.
import { describeWithPgBouncer, startPgBouncer } from '../support/pgbouncer.js';

const POOLED = /behind a connection pooler/;

const completed = (kyu: TestKyu): Promise<number> =>
  kyu
    .sql<{ n: string }>(
      `SELECT count(*) AS n FROM jobs WHERE status = 'completed'`,
    )
    .then(([row]) => Number(row!.n));

const beatAt = (kyu: TestKyu): Promise<number> =>
  kyu
    .sql<{ ms: number }>(
      `SELECT date_part('epoch', max(heartbeat_at)) * 1000 AS ms FROM workers`,
    )
    .then(([row]) => row!.ms);

describeWithPgBouncer('field 11: behind PgBouncer', () => {
  describe.each(['session', 'transaction'] as const)(
    'pool_mode = %s',
    (mode) => {
      const poolSize = mode === 'session' ? 40 : 4;

      it('boots, runs plain and transactional jobs, each once, and keeps its heartbeat', async () => {
        const { url } = await startPgBouncer(mode, { poolSize });
        const options = {
          postgres: { url: url(), maxConnections: 8 },
          heartbeatInterval: 250,
        };
        const runs: number[] = [];
        const handlers = {
          count: ({ id }: { id: number }) => void runs.push(id),
        };
        const first = await startKyu({ options, handlers });
        const second = await startKyu({ options, handlers, beside: first });
        const orders = await createOrders(first);
        for (const { queue } of [first, second])
          queue.register(
            'order',
            async (id: number, { manager }) => {
              await manager!.query(`INSERT INTO ${orders} VALUES ($1)`, [id]);
            },
            { transactional: true },
          );
        await Promise.all(
          Array.from({ length: 60 }, (_, id) => [
            first.queue.enqueue('count', { id }),
            second.queue.enqueue('order', id),
          ]).flat(),
        );
        await until(
          'all to be completed',
          async () => (await completed(first)) === 120,
          30_000,
        );
        expect(new Set(runs).size).toBe(60);
        expect(runs).toHaveLength(60);
        expect(
          await first.sql('SELECT id FROM jobs WHERE retry_count > 0'),
        ).toEqual([]);
        expect(
          await first.sql(`SELECT count(*)::int AS n FROM ${orders}`),
        ).toEqual([{ n: 60 }]);
        const before = await beatAt(first);
        await until(
          'the heartbeat to go on',
          async () => (await beatAt(first)) > before,
        );
        for (const { logger } of [first, second]) {
          expect(
            logger.messages('log').filter((line) => POOLED.test(line)),
          ).toHaveLength(1);
          expect(logger.messages('warn')).toEqual([]);
          expect(logger.messages('error')).toEqual([]);
        }
      });

      it('a lent DataSource works, its heartbeat too, and nothing stays behind in the sessions', async () => {
        const { url } = await startPgBouncer(mode, { poolSize });
        const dataSource = await openAppDataSource({ url: url(), poolSize: 8 });
        const kyu = await startKyu({
          options: {
            postgres: { url: undefined, dataSource },
            heartbeatInterval: 250,
          },
          handlers: { count: () => undefined },
        });
        await dataSource.transaction(async (manager) => {
          for (let id = 0; id < 5; id++)
            await kyu.queue.enqueue('count', { id }, { manager });
        });
        const before = await beatAt(kyu);
        await until(
          'all to be completed',
          async () => (await completed(kyu)) === 5,
        );
        await until(
          'the heartbeat to go on',
          async () => (await beatAt(kyu)) > before,
        );
        const settings = await dataSource.query<{ name: string }[]>(
          `SELECT name FROM pg_settings WHERE source = 'session' AND name IN
           ('enable_seqscan', 'search_path', 'statement_timeout', 'default_transaction_isolation', 'array_nulls')`,
        );
        expect(settings).toEqual([]);
      });
    },
  );

  it('works in transaction mode for a role whose sessions are serializable, and read only', async () => {
    const role = await newRole({
      default_transaction_isolation: `'serializable'`,
      default_transaction_read_only: 'on',
    });
    const { url } = await startPgBouncer('transaction', { logins: [role] });
    const kyu = await startKyu({
      options: { postgres: { url: url(role), maxConnections: 8 } },
      handlers: { count: () => undefined },
    });
    await Promise.all(
      Array.from({ length: 130 }, (_, id) =>
        kyu.queue.enqueue('count', { id }),
      ),
    );
    await until(
      'all to be completed',
      async () => (await completed(kyu)) === 130,
    );
    expect(kyu.logger.messages('warn')).toEqual([
      expect.stringMatching(
        /default_transaction_isolation = serializable, default_transaction_read_only = on.*READ COMMITTED/,
      ),
    ]);
  });

  it('refuses pool_mode = statement, and says what to change', async () => {
    const { url } = await startPgBouncer('statement');
    const ground = newGround();
    const boot = bootApp({
      imports: [
        KyuModule.forRoot(ground.options({ postgres: { url: url() } })),
      ],
    });
    await expect(boot).rejects.toThrow(PostgresUnavailableError);
    await expect(boot).rejects.toThrow(
      /^Kyu cannot use PostgreSQL at .*: the connection pooler in front of it allows no transactions \(pool_mode = statement\): set pool_mode to transaction or session/,
    );
    const [schema] = await runSql(
      'SELECT FROM pg_namespace WHERE nspname = $1',
      [ground.schema],
    );
    expect(schema).toBeUndefined();
  });
});
