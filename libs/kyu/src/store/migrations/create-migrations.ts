import type { MigrationInterface, QueryRunner } from 'typeorm';
import type { TableNames } from '../../job/table-names.js';
import { sqlNames, type SqlNames } from '../statement.js';
import { V1_DOWN, V1_UP } from './v1-jobs-and-workers.js';
import { V2_DOWN, V2_UP } from './v2-tables-id.js';

/** One step of the schema: up, down, and its name, which is for ever. TypeORM wants the 13 digits of a time at its end. */
interface Step {
  name: string;
  up: (names: SqlNames) => readonly string[];
  down: (names: SqlNames) => readonly string[];
}

const STEPS: readonly Step[] = [
  { name: 'KyuJobsAndWorkers1795392000000', up: V1_UP, down: V1_DOWN },
  { name: 'KyuTablesId1796040000000', up: V2_UP, down: V2_DOWN },
];

export const MIGRATION_NAMES = STEPS.map(({ name }) => name);

type MigrationClass = new () => MigrationInterface;

/** TypeORM makes migrations without arguments, so each schema and prefix gets classes of its own. */
export function createMigrations(tables: TableNames): MigrationClass[] {
  const names = sqlNames(tables);
  const runAll = async (
    runner: QueryRunner,
    statements: readonly string[],
  ): Promise<void> => {
    for (const statement of statements) await runner.query(statement);
  };
  return STEPS.map(
    ({ name, up, down }) =>
      class implements MigrationInterface {
        readonly name = name;
        up = (runner: QueryRunner): Promise<void> => runAll(runner, up(names));
        down = (runner: QueryRunner): Promise<void> =>
          runAll(runner, down(names));
      },
  );
}
