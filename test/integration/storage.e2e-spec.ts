import {
  KyuModule,
  migrateKyu,
  QueueService,
  revertKyuMigration,
  SchemaOutOfDateError,
  type KyuPostgresOptions,
} from '@kyu/nestjs';
import { bootApp, newGround, runSql } from '../support/boot-app.js';
import { runJob } from '../support/run-job.js';
import { POSTGRES_URL } from '../support/servers.js';

/** Names that only quoting keeps alive: upper case, and a keyword. */
const NEEDS_QUOTES = { tablePrefix: 'Select_' };

const tablesOf = async (schema: string): Promise<string[]> => {
  const rows = await runSql<{ name: string }>(
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = $1 ORDER BY 1',
    [schema],
  );
  return rows.map(({ name }) => name);
};

describe.each([
  ['the default prefix', {}, 'kyu_'],
  ['a prefix that needs quotes', NEEDS_QUOTES, 'Select_'],
  ['no prefix', { tablePrefix: '' }, ''],
])('migrations, with %s', (_, naming, prefix) => {
  const tables = ['jobs', 'migrations', 'workers'].map((name) => prefix + name);
  const target = (): { schema: string; postgres: KyuPostgresOptions } => {
    const { schema } = newGround();
    return { schema, postgres: { url: POSTGRES_URL, schema, ...naming } };
  };

  it('make the tables, and the schema, once', async () => {
    const { schema, postgres } = target();
    const names = await migrateKyu(postgres);
    expect(names.length).toBeGreaterThan(0);
    expect(names[0]).toMatch(/^Kyu\w+\d{13}$/);
    expect(await tablesOf(schema)).toEqual(tables);
    expect(await migrateKyu(postgres)).toEqual([]);
  });

  it('go back to nothing and up again', async () => {
    const { schema, postgres } = target();
    const names = await migrateKyu(postgres);
    for (const name of names.toReversed())
      expect(await revertKyuMigration(postgres)).toBe(name);
    expect(await tablesOf(schema)).toEqual([`${prefix}migrations`]);
    expect(await revertKyuMigration(postgres)).toBeUndefined();
    expect(await migrateKyu(postgres)).toEqual(names);
    expect(await tablesOf(schema)).toEqual(tables);
  });

  it('carry an application', async () => {
    const ground = newGround();
    const app = await bootApp(
      {
        imports: [KyuModule.forRoot(ground.options({ postgres: naming }))],
      },
      (unbooted) =>
        unbooted.get(QueueService).register('job', () => ({ done: true })),
    );
    expect(await runJob(app, 'job', { a: 1 })).toMatchObject({
      status: 'completed',
      result: { done: true },
    });
    expect(await tablesOf(ground.schema)).toEqual(tables);
  });
});

describe('a schema and prefix in upper case', () => {
  it('are taken literally, beside the same names in lower case', async () => {
    const { schema } = newGround();
    const upper = schema.toUpperCase();
    try {
      await migrateKyu({ url: POSTGRES_URL, schema });
      const app = await bootApp(
        {
          imports: [
            KyuModule.forRoot({
              ...newGround().options(),
              postgres: {
                url: POSTGRES_URL,
                schema: upper,
                tablePrefix: 'Kyu_',
              },
            }),
          ],
        },
        (unbooted) => unbooted.get(QueueService).register('job', () => 'done'),
      );
      expect((await runJob(app, 'job')).result).toBe('done');
      expect(await tablesOf(upper)).toEqual([
        'Kyu_jobs',
        'Kyu_migrations',
        'Kyu_workers',
      ]);
      await app.close();
    } finally {
      await runSql(`DROP SCHEMA IF EXISTS "${upper}" CASCADE`);
    }
  });
});

describe("postgres.migrations: 'manual'", () => {
  it('refuses to boot on missing tables, says how to get them, and touches nothing', async () => {
    const ground = newGround();
    const options = ground.options({ postgres: { migrations: 'manual' } });
    const boot = bootApp({ imports: [KyuModule.forRoot(options)] });
    await expect(boot).rejects.toThrow(SchemaOutOfDateError);
    await expect(boot).rejects.toThrow(/Run migrateKyu\(postgresOptions\)/);
    expect(
      await runSql('SELECT FROM pg_namespace WHERE nspname = $1', [
        ground.schema,
      ]),
    ).toEqual([]);

    const done = await migrateKyu(options.postgres);
    const error: unknown = await boot.catch((reason: unknown) => reason);
    expect(done).toEqual((error as SchemaOutOfDateError).pending);
    const app = await bootApp({ imports: [KyuModule.forRoot(options)] });
    expect(await app.get(QueueService).enqueue('job', null)).toBeDefined();
  });

  it('refuses again after a revert', async () => {
    const ground = newGround();
    const options = ground.options({ postgres: { migrations: 'manual' } });
    await migrateKyu(options.postgres);
    await revertKyuMigration(options.postgres);
    await expect(
      bootApp({ imports: [KyuModule.forRoot(options)] }),
    ).rejects.toThrow(SchemaOutOfDateError);
  });
});

describe('two sets of tables in one schema', () => {
  it('live side by side, each with migrations of its own', async () => {
    const { schema } = newGround();
    const postgres = { url: POSTGRES_URL, schema };
    // Both to their end, also when one fails: it must not migrate on after the test.
    const results = await Promise.allSettled(
      ['a_', 'b_'].map((tablePrefix) =>
        migrateKyu({ ...postgres, tablePrefix }),
      ),
    );
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
    ]);
    expect(await tablesOf(schema)).toHaveLength(6);
    while (await revertKyuMigration({ ...postgres, tablePrefix: 'a_' }));
    expect(await tablesOf(schema)).toEqual([
      'a_migrations',
      'b_jobs',
      'b_migrations',
      'b_workers',
    ]);
  });
});
