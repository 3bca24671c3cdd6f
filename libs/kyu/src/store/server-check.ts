import type { DataSource } from 'typeorm';
import type { PostgresConfig } from '../config/kyu.config.js';
import type { KyuMode } from '../config/kyu.options.js';
import { KyuError } from '../errors/kyu.errors.js';
import {
  MissingGrantsError,
  UnsupportedPostgresError,
} from '../errors/postgres.errors.js';
import type { TableNames } from '../job/table-names.js';
import { DatabaseClock } from '../runtime/database-clock.js';
import { explainPostgresFailure } from './postgres-errors.js';
import { ASK_RIGHTS, ASK_SERVER, type RightsRow } from './server-check.sql.js';
import { sqlNames, type Statement } from './statement.js';

/** The first that knows `AS MATERIALIZED`, which the statements that lock rows need. */
const MIN_VERSION_NUM = 120_000;
const MIN_VERSION = '12';

const ALL_RIGHTS = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const;

/** By the end of the table's name. A process that only enqueues need not be able to change or remove a job. */
const NEEDED: Record<
  'producer' | 'worker',
  Record<string, readonly string[]>
> = {
  producer: { jobs: ['SELECT', 'INSERT'], migrations: ['SELECT'] },
  worker: { jobs: ALL_RIGHTS, workers: ALL_RIGHTS, migrations: ['SELECT'] },
};

/**
 * At boot, before anything else is asked: whether this server and this role will do. Its answer is also the first that tells the time.
 *
 * @throws {PostgresUnavailableError | UnsupportedPostgresError | MissingGrantsError}
 */
export function checkServer(
  dataSource: DataSource,
  config: PostgresConfig,
  mode: KyuMode,
): Promise<void> {
  return check(dataSource, config, mode).catch((error: unknown) => {
    throw error instanceof KyuError
      ? error
      : explainPostgresFailure(error, config);
  });
}

async function check(
  dataSource: DataSource,
  { tables }: PostgresConfig,
  mode: KyuMode,
): Promise<void> {
  const ask = <Row>(
    statement: Statement<Row>,
    values?: unknown[],
  ): Promise<Row[]> =>
    dataSource.query<Row[]>(statement.for(sqlNames(tables)).text, values);
  const sentAt = performance.now();
  const [server] = await ask(ASK_SERVER);
  DatabaseClock.of(dataSource).observe(Number(server!.ms), sentAt);
  checkVersion(server!);
  const needed = NEEDED[mode === 'producer' ? 'producer' : 'worker'];
  const names = Object.keys(needed).map((name) => tables.prefix + name);
  checkRights(await ask(ASK_RIGHTS, [tables.schema, names]), tables, needed);
}

/** @throws {UnsupportedPostgresError} */
export function checkVersion({
  version,
  version_num: versionNum,
}: {
  version: string;
  version_num: number;
}): void {
  if (Number(versionNum) < MIN_VERSION_NUM)
    throw new UnsupportedPostgresError(version, MIN_VERSION);
}

/** What is not there yet, a migration makes, and its maker owns it. @throws {MissingGrantsError} */
function checkRights(
  rows: readonly RightsRow[],
  { schema, prefix }: TableNames,
  needed: Record<string, readonly string[]>,
): void {
  const names = sqlNames({ schema, prefix });
  const grants = rows.flatMap(({ table_name: table, rights, role }) => {
    const needs =
      table === null ? ['USAGE'] : needed[table.slice(prefix.length)]!;
    const missing = needs.filter((right) => !rights.includes(right));
    const on = table === null ? `SCHEMA ${names.schema}` : names.table(table);
    return missing.length > 0
      ? [`GRANT ${missing.join(', ')} ON ${on} TO ${role};`]
      : [];
  });
  if (grants.length > 0) throw new MissingGrantsError(grants);
}
