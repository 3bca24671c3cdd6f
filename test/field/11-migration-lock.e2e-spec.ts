import { KyuModule, migrateKyu, revertKyuMigration } from '@kyu/nestjs';
import { isolated, until } from '@kyu/testing';
import { Client } from 'pg';
import { MIGRATION_NAMES } from '../../libs/kyu/src/store/migrations/create-migrations.js';
import { bootApp, newGround, runSql } from '../support/boot-app.js';
import { POSTGRES_URL } from '../support/servers.js';
import { describeWithPgBouncer, startPgBouncer } from '../support/pgbouncer.js';

const LAST = MIGRATION_NAMES.at(-1);

const schemas: string[] = [];
const newSchema = (): string => {
  const { schema } = isolated();
  schemas.push(schema);
  return schema;
};

const others: Client[] = [];

afterEach(async () => {
  for (const client of others.splice(0)) await client.end();
  for (const schema of schemas.splice(0))
    await runSql(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
});

/**
 * Another session that has made a table of Kyu's and not committed it: a migration waits for it in
 * the middle of its DDL.
 */
async function heldMigration(schema: string): Promise<Client> {
  await runSql(`CREATE SCHEMA "${schema}"`);
  const client = new Client({ connectionString: POSTGRES_URL });
  await client.connect();
  others.push(client);
  await client.query(`BEGIN; CREATE TABLE "${schema}".kyu_workers (id int)`);
  return client;
}

/** The server process that waits in the DDL on this schema. */
const waitingFor = (schema: string): Promise<number> =>
  until('the migration to wait', async () => {
    const [row] = await runSql<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%"${schema}"."kyu_workers"%' AND pid <> pg_backend_pid()`,
    );
    return row?.pid;
  });

/** Who waits in a statement for the lock on this schema. */
const advisoryWaiters = (schema: string): Promise<unknown[]> =>
  runSql(
    `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND objid::bigint = hashtext($1)::bigint & 4294967295`,
    [schema],
  );

function itMigrates(urlOf: () => Promise<string>): void {
  it('five boots at once: one migrates, and all start', async () => {
    const url = await urlOf();
    const ground = newGround();
    const apps = await Promise.all(
      Array.from({ length: 5 }, () =>
        bootApp({
          imports: [
            KyuModule.forRoot(
              ground.options({ postgres: { url, maxConnections: 2 } }),
            ),
          ],
        }),
      ),
    );
    expect(apps).toHaveLength(5);
    const rows = await runSql(
      `SELECT name FROM "${ground.schema}".kyu_migrations`,
    );
    expect(rows).toEqual(MIGRATION_NAMES.map((name) => ({ name })));
  });

  it('migrateKyu twice at once: one does it, the other finds it done', async () => {
    const url = await urlOf();
    const schema = newSchema();
    const done = await Promise.all([
      migrateKyu({ url, schema }),
      migrateKyu({ url, schema }),
    ]);
    expect(done.flat()).toEqual(MIGRATION_NAMES);
    // The lock went with its transaction.
    expect(await revertKyuMigration({ url, schema })).toBe(LAST);
    expect(await migrateKyu({ url, schema })).toEqual([LAST]);
  });

  it('a migration that is killed in the middle leaves nothing, and can be repeated', async () => {
    const url = await urlOf();
    const schema = newSchema();
    const other = await heldMigration(schema);
    const killed = migrateKyu({ url, schema });
    await Promise.all([
      expect(killed).rejects.toThrow(/cannot use PostgreSQL/),
      waitingFor(schema).then((pid) =>
        runSql('SELECT pg_terminate_backend($1)', [pid]),
      ),
    ]);
    await other.query('ROLLBACK');
    const tables = await runSql('SELECT FROM pg_tables WHERE schemaname = $1', [
      schema,
    ]);
    expect(tables).toEqual([]);
    expect(await migrateKyu({ url, schema })).toEqual(MIGRATION_NAMES);
  });

  it('who waits for its turn is in no statement meanwhile', async () => {
    const url = await urlOf();
    const schema = newSchema();
    const other = await heldMigration(schema);
    const both = Promise.all([
      migrateKyu({ url, schema }),
      migrateKyu({ url, schema }),
    ]);
    await waitingFor(schema);
    // Long enough for the other one to have asked for the lock, which is then to be seen.
    for (let look = 0; look < 20; look++) {
      expect(await advisoryWaiters(schema)).toEqual([]);
      await runSql('SELECT pg_sleep(0.02)');
    }
    await other.query('ROLLBACK');
    expect((await both).flat()).toEqual(MIGRATION_NAMES);
  });
}

describe('field 11: the migration lock, directly', () => {
  itMigrates(() => Promise.resolve(POSTGRES_URL));
});

describeWithPgBouncer('field 11: the migration lock, through PgBouncer', () => {
  itMigrates(async () =>
    (await startPgBouncer('transaction', { poolSize: 12 })).url(),
  );
});
