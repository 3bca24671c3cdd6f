import { randomBytes } from 'node:crypto';
import {
  KyuModule,
  migrateKyu,
  QueueService,
  type KyuOptions,
} from '@kyu/nestjs';
import { Client } from 'pg';
import { checkVersion } from '../../libs/kyu/src/store/server-check.js';
import { setUpSession } from '../../libs/kyu/src/store/session-settings.sql.js';
import {
  bootApp,
  newGround,
  runSql,
  type Ground,
} from '../support/boot-app.js';
import { runJob } from '../support/run-job.js';
import { POSTGRES_URL } from '../support/servers.js';

describe('field 14: the version of the server', () => {
  it.each([
    ['11.22', 110_022],
    ['9.6.24', 90_624],
  ])('%s is refused, with the oldest that will do', (version, versionNum) => {
    expect(() => checkVersion({ version, version_num: versionNum })).toThrow(
      expect.objectContaining({
        code: 'KYU_UNSUPPORTED_POSTGRES',
        message: `This server is PostgreSQL ${version}, and Kyu needs 12 or later. Upgrade it, or let postgres.url lead to another one.`,
      }),
    );
  });

  it.each([
    ['12.0', 120_000],
    ['18.4', 180_004],
  ])('%s will do', (version, versionNum) => {
    expect(() =>
      checkVersion({ version, version_num: versionNum }),
    ).not.toThrow();
  });

  it('is asked for also where the server lacks a setting of a later version', async () => {
    const client = new Client({ connectionString: POSTGRES_URL });
    await client.connect();
    try {
      const { rows } = await client.query<{ pid: number }>(
        'SELECT pg_backend_pid() AS pid',
      );
      const text = setUpSession({}).replaceAll(
        'plan_cache_mode',
        'setting_of_the_future',
      );
      expect(text).toContain('setting_of_the_future');
      expect((await client.query(text, [rows[0]!.pid])).rows).toHaveLength(1);
      expect((await client.query('SHOW enable_seqscan')).rows).toEqual([
        { enable_seqscan: 'off' },
      ]);
    } finally {
      await client.end();
    }
  });
});

describe('field 14: a plain role', () => {
  /** It needs quotes. */
  const role = `Kyu "plain" ${randomBytes(4).toString('hex')}`;
  const quoted = `"${role.replaceAll('"', '""')}"`;
  const PASSWORD = 'of-a-test';
  let ground: Ground;

  beforeAll(() => runSql(`CREATE ROLE ${quoted} LOGIN PASSWORD '${PASSWORD}'`));
  afterAll(() => runSql(`DROP ROLE ${quoted}`));

  beforeEach(async () => {
    ground = newGround();
    await migrateKyu({ url: POSTGRES_URL, schema: ground.schema });
  });
  // Before the hook of boot-app.ts, which drops the schema.
  afterEach(() => runSql(`DROP OWNED BY ${quoted}`));

  const boot = (more: KyuOptions = {}) => {
    const url = new URL(POSTGRES_URL);
    url.username = encodeURIComponent(role);
    url.password = PASSWORD;
    const options = ground.options({
      ...more,
      postgres: { url: url.href, migrations: 'manual' },
    });
    return bootApp({ imports: [KyuModule.forRoot(options)] }, (app) =>
      app.get(QueueService).register('work', () => undefined),
    );
  };
  const missing = async (more?: KyuOptions): Promise<string[]> => {
    const error = await boot(more).then(
      () => ({ code: 'booted', statements: [] }),
      (thrown: { code: string; statements: string[] }) => thrown,
    );
    expect(error).toMatchObject({ code: 'KYU_MISSING_GRANTS' });
    return error.statements;
  };
  const on = (table: string): string =>
    `ON "${ground.schema}"."kyu_${table}" TO ${quoted};`;
  const usage = (): string =>
    `GRANT USAGE ON SCHEMA "${ground.schema}" TO ${quoted};`;

  it('without rights is refused with the statements that grant them; with those it boots and works', async () => {
    const statements = await missing();
    expect(statements.sort()).toEqual(
      [
        usage(),
        `GRANT SELECT, INSERT, UPDATE, DELETE ${on('jobs')}`,
        `GRANT SELECT, INSERT, UPDATE, DELETE ${on('workers')}`,
        `GRANT SELECT ${on('migrations')}`,
      ].sort(),
    );
    for (const statement of statements) await runSql(statement);
    const app = await boot();
    const job = await runJob(app, 'work');
    expect(job.status).toBe('completed');
    const id = await app
      .get(QueueService)
      .enqueue('work', null, { scheduledAt: new Date(Date.now() + 3_600_000) });
    await app.get(QueueService).cancelJob(id);
    await app.close();
    expect(ground.logger.messages('error')).toEqual([]);
    expect(await ground.sql('SELECT FROM workers')).toEqual([]);
  });

  it('that lacks one right is told which', async () => {
    for (const statement of await missing()) await runSql(statement);
    const table = (name: string): string => `"${ground.schema}"."kyu_${name}"`;
    for (const [right, name] of [
      ['DELETE', 'jobs'],
      ['UPDATE', 'workers'],
      ['SELECT', 'migrations'],
    ] as const) {
      await runSql(`REVOKE ${right} ON ${table(name)} FROM ${quoted}`);
      expect(await missing()).toEqual([`GRANT ${right} ${on(name)}`]);
      await runSql(`GRANT ${right} ON ${table(name)} TO ${quoted}`);
    }
    await runSql(`REVOKE USAGE ON SCHEMA "${ground.schema}" FROM ${quoted}`);
    expect(await missing()).toEqual([usage()]);
  });

  it('that only enqueues needs less', async () => {
    const statements = await missing({ mode: 'producer' });
    expect(statements.sort()).toEqual(
      [
        usage(),
        `GRANT SELECT, INSERT ${on('jobs')}`,
        `GRANT SELECT ${on('migrations')}`,
      ].sort(),
    );
    for (const statement of statements) await runSql(statement);
    const app = await boot({ mode: 'producer' });
    const id = await app.get(QueueService).enqueue('work', null);
    expect(await ground.sql('SELECT id FROM jobs')).toEqual([{ id }]);
  });
});
