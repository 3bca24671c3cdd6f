import { Repository, type DataSource } from 'typeorm';

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
export const unopened = (dataSource: DataSource, mode: string): DataSource =>
  Object.assign(dataSource, refusals("Kyu's DataSource", METHODS, mode));

/** In place of Kyu's own connections: it has the repository that an application may inject, which says the same. */
export function unopenedJobs(
  mode: string,
): Pick<DataSource, 'isInitialized'> & { getRepository(): object } {
  const methods = Object.getOwnPropertyNames(Repository.prototype);
  const jobs = refusals(
    "Kyu's repository of jobs",
    methods.filter((name) => name !== 'constructor'),
    mode,
  );
  return { isInitialized: false, getRepository: () => jobs };
}

/** Methods that throw. */
const refusals = (
  owner: string,
  methods: readonly string[],
  mode: string,
): Record<string, () => never> =>
  Object.fromEntries(
    methods.map((method) => [
      method,
      () => {
        throw new Error(
          `There is no PostgreSQL in mode '${mode}', so ${owner} has no ${method}(): override the provider that uses it, or use mode: 'real'.`,
        );
      },
    ]),
  );
