import { createHash } from 'node:crypto';
import { qualifyFunctions } from '../job/qualify-functions.js';
import type { TableNames } from '../job/table-names.js';

/** Quoted names, ready to stand in SQL. They were validated at the door; they are quoted all the same. */
export interface SqlNames {
  schema: string;
  jobs: string;
  workers: string;
  migrations: string;
  /** Any table of the schema, by its full name. */
  table(name: string): string;
  /** A quoted index name. */
  index(suffix: string): string;
}

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;

export function sqlNames({ schema, prefix }: TableNames): SqlNames {
  const table = (name: string): string => `${quote(schema)}.${quote(name)}`;
  return {
    schema: quote(schema),
    jobs: table(`${prefix}jobs`),
    workers: table(`${prefix}workers`),
    migrations: table(`${prefix}migrations`),
    table,
    index: (suffix) => quote(`${prefix}jobs_${suffix}`),
  };
}

/**
 * One SQL statement of Kyu: a constant in a `*.sql.ts` file beside the class that runs it. Values come as parameters only, so the
 * set of distinct texts is finite and each is a named prepared statement.
 */
export class Statement<_Row> {
  private readonly prepared = new WeakMap<
    SqlNames,
    { name: string; text: string }
  >();

  constructor(
    readonly verb: string,
    private readonly sql: (names: SqlNames) => string,
  ) {}

  /** The text is part of the name: pools may be shared by registrations with different schemas. */
  for(names: SqlNames): { name: string; text: string } {
    let prepared = this.prepared.get(names);
    if (!prepared) {
      const text = qualifyFunctions(this.sql(names));
      const hash = createHash('sha1').update(text).digest('hex').slice(0, 10);
      prepared = { name: `kyu_${this.verb}_${hash}`, text };
      this.prepared.set(names, prepared);
    }
    return prepared;
  }
}
