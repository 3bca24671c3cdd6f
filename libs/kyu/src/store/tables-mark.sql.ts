import { Statement } from './statement.js';

/**
 * What tells these tables from all others that may meet in one Redis. The comment of the workers
 * table has a random id; a dump takes it along, so the database and the table have a say, too. The
 * comment is null when it was removed by hand.
 */
export const READ_TABLES_MARK = new Statement<{
  comment: string | null;
  database_oid: string;
  table_oid: string;
  database: string;
  tables: string;
}>('tables_mark', ({ jobs, workers }) => {
  const table = `'${workers}'::pg_catalog.regclass`;
  return `
  SELECT pg_catalog.obj_description(${table}, 'pg_class') AS comment, ${table}::pg_catalog.oid AS table_oid,
         database.oid AS database_oid, database.datname AS database, '${jobs.replaceAll('"', '')}' AS tables
    FROM pg_catalog.pg_database AS database WHERE datname = pg_catalog.current_database()`;
});
