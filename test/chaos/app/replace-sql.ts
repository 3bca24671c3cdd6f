import {
  sqlNames,
  type SqlNames,
  type Statement,
} from '../../../libs/kyu/src/store/statement.js';

/** Changes the SQL of a statement. Throws when there is nothing to change: then the mutant is none, and the suite would prove nothing. */
export function replaceSql(
  statement: Statement<never>,
  part: string | RegExp,
  by: string,
  { optional = false } = {},
): void {
  // A private field, on purpose: nobody but a mutant may do this.
  const holder = statement as unknown as { sql: (names: SqlNames) => string };
  const { sql } = holder;
  holder.sql = (names) => sql(names).replace(part, by);
  // Now, and not at the first use: a mutant that is none must not even boot.
  const names = sqlNames({ schema: 'any', prefix: 'any_' });
  if (!optional && holder.sql(names) === sql(names))
    throw new Error(
      `The statement "${statement.verb}" has no ${String(part)} any more.`,
    );
}
