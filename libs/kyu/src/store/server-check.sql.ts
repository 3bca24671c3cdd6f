import { Statement } from './statement.js';

/** One table of Kyu's that is there, or the schema. */
export interface RightsRow {
  /** Null: of the schema. */
  table_name: string | null;
  /** The rights that this role has, of those that Kyu may need. */
  rights: string[];
  /** Quoted, as it stands in a GRANT. */
  role: string;
}

/**
 * The version and the time of the server. It reads nothing that a role could lack a right for, and runs on versions that Kyu does not support.
 */
export const ASK_SERVER = new Statement<{
  version: string;
  version_num: number;
  ms: number;
}>(
  'ask_server',
  () => `
  SELECT pg_catalog.current_setting('server_version') AS version, pg_catalog.current_setting('server_version_num')::int AS version_num,
         pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000 AS ms`,
);

/**
 * $1 schema, $2 names of the tables: which rights this role has. Asked of the catalog, which everybody may read, by oid: a name in a schema without USAGE
 * would be an error. What is not there has no row.
 */
export const ASK_RIGHTS = new Statement<RightsRow>(
  'ask_rights',
  () => `
  SELECT NULL::text AS table_name, pg_catalog.quote_ident(current_user) AS role,
         ARRAY(SELECT 'USAGE'::text WHERE pg_catalog.has_schema_privilege(schema.oid, 'USAGE')) AS rights
    FROM pg_catalog.pg_namespace AS schema WHERE schema.nspname = $1
   UNION ALL
  SELECT tab.relname::text, pg_catalog.quote_ident(current_user),
         ARRAY(SELECT name FROM pg_catalog.unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS name
                WHERE pg_catalog.has_table_privilege(tab.oid, name))
    FROM pg_catalog.pg_class AS tab JOIN pg_catalog.pg_namespace AS schema ON schema.oid = tab.relnamespace
   WHERE schema.nspname = $1 AND tab.relname = ANY($2::text[])`,
);
