import type { DataSource } from 'typeorm';

/** What leads to a connection, each in its own way. */
const METHODS = [
  'initialize',
  'query',
  'transaction',
  'createQueryRunner',
  'createQueryBuilder',
  'getRepository',
] as const satisfies readonly (keyof DataSource)[];

/** Whoever injects Kyu's data source gets one that is never opened, and that says why. TypeORM's own errors speak of a connection that somebody forgot. */
export function unopened(dataSource: DataSource, mode: string): DataSource {
  for (const method of METHODS)
    Object.assign(dataSource, {
      [method]: () => {
        throw new Error(
          `There is no PostgreSQL in mode '${mode}', so Kyu's DataSource has no ${method}(): override the provider that uses it, or use mode: 'real'.`,
        );
      },
    });
  return dataSource;
}
