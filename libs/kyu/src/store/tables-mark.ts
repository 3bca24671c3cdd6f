import type { Database } from './database.js';
import { READ_TABLES_MARK } from './tables-mark.sql.js';

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

/**
 * What marks a key in Redis as that of these tables: an id that no other tables have, and, behind
 * it, where they are, for people. Undefined when the tables have no id.
 */
export async function readTablesMark(
  database: Database,
): Promise<string | undefined> {
  const [row] = await database.run(READ_TABLES_MARK, []);
  const id = UUID.exec(row?.comment ?? '')?.[0];
  return row && id
    ? `${id}-${row.database_oid}-${row.table_oid} ${row.database}/${row.tables}`
    : undefined;
}
