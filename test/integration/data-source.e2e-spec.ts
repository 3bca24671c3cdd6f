import { Injectable } from '@nestjs/common';
import {
  getDataSourceToken,
  InjectDataSource,
  InjectRepository,
  TypeOrmModule,
  type TypeOrmModuleOptions,
} from '@nestjs/typeorm';
import {
  Job,
  jobEntity,
  KYU_DATA_SOURCE,
  KyuModule,
  migrateKyu,
  QueueService,
} from '@kyu/nestjs';
import { until } from '@kyu/testing';
import {
  DataSource,
  EntitySchema,
  type MigrationInterface,
  type QueryRunner,
  type Repository,
} from 'typeorm';
import {
  bootApp,
  newGround,
  runSql,
  type Ground,
} from '../support/boot-app.js';
import { runJob } from '../support/run-job.js';
import { POSTGRES_URL } from '../support/servers.js';
import { startKyu } from '../support/start-kyu.js';

/** A migration of the application's, which nobody has run. */
class OfTheApplication1700000000000 implements MigrationInterface {
  up(runner: QueryRunner): Promise<unknown> {
    return runner.query('CREATE TABLE of_the_application (id int)');
  }
  down(): Promise<void> {
    return Promise.resolve();
  }
}

const Customer = new EntitySchema<{ id: number }>({
  name: 'Customer',
  columns: { id: { type: 'integer', primary: true } },
});

/** An application that has a TypeORM DataSource and lends it to Kyu. */
async function lending(
  ground: Ground,
  more: Partial<TypeOrmModuleOptions> = {},
) {
  return bootApp(
    {
      imports: [
        TypeOrmModule.forRoot({
          type: 'postgres',
          url: POSTGRES_URL,
          schema: ground.schema,
          applicationName: ground.queueName,
          entities: [
            Customer,
            jobEntity({ schema: ground.schema, prefix: 'kyu_' }),
          ],
          migrations: [OfTheApplication1700000000000],
          synchronize: false,
          retryAttempts: 0,
          ...more,
        } as TypeOrmModuleOptions),
        KyuModule.forRootAsync({
          inject: [DataSource],
          useFactory: (dataSource: DataSource) =>
            ground.options({ postgres: { dataSource } }),
        }),
      ],
    },
    (unbooted) => unbooted.get(QueueService).register('job', () => 'done'),
  );
}

describe("the application's own DataSource", () => {
  it('carries Kyu, which makes its tables and leaves the migrations of the application alone', async () => {
    const ground = newGround();
    const app = await lending(ground);
    expect(await runJob(app, 'job', { a: 1 })).toMatchObject({
      status: 'completed',
      result: 'done',
    });
    const tables = await runSql<{ name: string }>(
      'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = $1 ORDER BY 1',
      [ground.schema],
    );
    expect(tables.map(({ name }) => name)).toEqual([
      'kyu_jobs',
      'kyu_migrations',
      'kyu_workers',
    ]);
    expect(await app.get(DataSource).showMigrations()).toBe(true); // still pending
  });

  it('has a repository of jobs by jobEntity()', async () => {
    const app = await lending(newGround());
    const { id } = await runJob(app, 'job', { a: 1 });
    const jobs = app.get(DataSource).getRepository(Job);
    const job = await jobs.findOneByOrFail({ id });
    expect(job).toBeInstanceOf(Job);
    expect(job).toMatchObject({
      jobType: 'job',
      payload: { a: 1 },
      status: 'completed',
      result: 'done',
      history: [expect.objectContaining({ outcome: 'completed' })],
    });
    // TypeORM looks for parameters in all of the query, also in what Kyu wrote of it.
    for (const name of ['text', 'jsonb', 'uuid'])
      expect(
        await jobs
          .createQueryBuilder('one')
          .where(`one.jobType = :${name}`, { [name]: 'job' })
          .getMany(),
      ).toEqual([job]);
    expect(job.completedAt).toBeInstanceOf(Date);
    expect(await jobs.countBy({ status: 'completed' })).toBe(1);
  });

  it('is not closed by Kyu: it is the application that does it', async () => {
    const ground = newGround();
    const dataSource = await new DataSource({
      type: 'postgres',
      url: POSTGRES_URL,
    }).initialize();
    try {
      const app = await bootApp({
        imports: [
          KyuModule.forRoot(ground.options({ postgres: { dataSource } })),
        ],
      });
      await app.close();
      expect(dataSource.isInitialized).toBe(true);
      expect(await dataSource.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    } finally {
      await dataSource.destroy();
    }
  });

  it('may run the jobs of a graceful stop to their end before it closes', async () => {
    const ground = newGround();
    const app = await lending(ground);
    await runJob(app, 'job');
    await app.close();
    expect(await ground.sql('SELECT FROM workers')).toEqual([]);
  });

  it.each<[string, Partial<TypeOrmModuleOptions>]>([
    ['a URL', {}],
    [
      'host and port',
      {
        url: undefined,
        host: new URL(POSTGRES_URL).hostname,
        port: Number(new URL(POSTGRES_URL).port),
        username: decodeURIComponent(new URL(POSTGRES_URL).username),
        password: decodeURIComponent(new URL(POSTGRES_URL).password),
        database: new URL(POSTGRES_URL).pathname.slice(1),
      } as never,
    ],
    [
      'replication',
      {
        url: undefined,
        replication: { master: { url: POSTGRES_URL }, slaves: [] },
      } as never,
    ],
  ])('may be given by %s: the heartbeat finds its way too', async (_, way) => {
    const ground = newGround();
    const app = await bootApp({
      imports: [
        TypeOrmModule.forRoot({
          type: 'postgres',
          url: POSTGRES_URL,
          retryAttempts: 0,
          ...way,
        } as TypeOrmModuleOptions),
        KyuModule.forRootAsync({
          inject: [DataSource],
          useFactory: (dataSource: DataSource) =>
            ground.options({
              postgres: { dataSource },
              heartbeatInterval: 250,
              heartbeatTimeout: 1_000,
            }),
        }),
      ],
    });
    expect(app.get(QueueService)).toBeDefined();
    await until('a heartbeat after the first', async () => {
      const [row] = await ground.sql(
        'SELECT heartbeat_at > started_at AS again FROM workers',
      );
      return row!.again;
    });
    expect(ground.logger.messages('warn')).toEqual([]);
  });
});

describe('KYU_DATA_SOURCE', () => {
  @Injectable()
  class Reports {
    constructor(
      @InjectRepository(Job, KYU_DATA_SOURCE)
      readonly jobs: Repository<Job>,
      @InjectDataSource(KYU_DATA_SOURCE) readonly dataSource: DataSource,
    ) {}
  }

  it("gives the application Kyu's repository and data source", async () => {
    const { app } = await startKyu({
      providers: [Reports],
      handlers: { job: () => 'done' },
    });
    const { id } = await runJob(app, 'job');
    const { jobs, dataSource } = app.get(Reports);
    expect(await jobs.findOneBy({ id })).toMatchObject({ result: 'done' });
    expect(dataSource).toBe(app.get(getDataSourceToken(KYU_DATA_SOURCE)));
  });

  it("stands beside the application's own data source", async () => {
    const ground = newGround();
    const app = await bootApp({
      imports: [
        TypeOrmModule.forRoot({
          type: 'postgres',
          url: POSTGRES_URL,
          entities: [Customer],
          retryAttempts: 0,
        }),
        KyuModule.forRoot(ground.options()),
      ],
      providers: [Reports],
    });
    expect(app.get(Reports).dataSource).not.toBe(app.get(DataSource));
    expect(await app.get(Reports).jobs.count()).toBe(0);
  });
});

describe('a role without the right to make tables', () => {
  const role = `kyu_test_role_${process.pid}`;
  const plainUrl = (): string => {
    const url = new URL(POSTGRES_URL);
    url.username = role;
    url.password = 'secret';
    return url.href;
  };

  it.each(['auto', 'manual'] as const)(
    'runs an application on migrated tables (migrations: %s), and is refused on missing ones',
    async (migrations) => {
      const ground = newGround();
      const { schema } = ground;
      await runSql(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
      try {
        const options = ground.options({
          postgres: { url: plainUrl(), migrations },
        });
        const early = bootApp({ imports: [KyuModule.forRoot(options)] });
        await expect(early).rejects.toThrow(
          migrations === 'auto'
            ? /42501.*the user lacks a right/
            : /migrateKyu/,
        );
        await migrateKyu({ url: POSTGRES_URL, schema });
        await runSql(
          `GRANT USAGE ON SCHEMA "${schema}" TO ${role};
           GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "${schema}" TO ${role}`,
        );
        const app = await bootApp(
          { imports: [KyuModule.forRoot(options)] },
          (unbooted) =>
            unbooted.get(QueueService).register('job', () => 'done'),
        );
        expect((await runJob(app, 'job')).result).toBe('done');
        await app.close();
      } finally {
        await runSql(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
      }
    },
  );
});
