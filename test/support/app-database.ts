import { DataSource, type DataSourceOptions } from 'typeorm';
import type { TestKyu } from './start-kyu.js';
import { POSTGRES_URL } from './servers.js';

const open: DataSource[] = [];

/** A `DataSource` as an application has one of its own, beside Kyu's or lent to it; closed after the test. */
export async function openAppDataSource(
  more: Partial<Extract<DataSourceOptions, { type: 'postgres' }>> = {},
): Promise<DataSource> {
  const dataSource = new DataSource({
    type: 'postgres',
    url: POSTGRES_URL,
    poolErrorHandler: () => undefined,
    ...more,
  });
  open.push(dataSource);
  return dataSource.initialize();
}

/** A table of the application, to write to in the same transaction; its name. `twin` refers to another row, which is looked at by COMMIT. */
export async function createOrders({
  schema,
  sql,
}: Pick<TestKyu, 'schema' | 'sql'>): Promise<string> {
  const table = `"${schema}".orders`;
  await sql(
    `CREATE TABLE ${table} (id int PRIMARY KEY, twin int REFERENCES ${table} DEFERRABLE INITIALLY DEFERRED)`,
  );
  return table;
}

// After those of start-kyu.ts, which close what uses it: Jest calls these hooks in the order in which they were defined.
afterEach(async () => {
  for (const dataSource of open.splice(0))
    if (dataSource.isInitialized) await dataSource.destroy();
});
