/**
 * Every function that Kyu's SQL calls. `coalesce`, `nullif`, `greatest`, `least`, `extract` and
 * `cast` are syntax, which no schema can replace.
 */
const FUNCTIONS = [
  'array_to_string',
  'btrim',
  'cardinality',
  'clock_timestamp',
  'concat_ws',
  'count',
  'current_database',
  'current_setting',
  'date_part',
  'floor',
  'hashtext',
  'isfinite',
  'json_agg',
  'json_build_object',
  'json_to_recordset',
  'jsonb_array_elements',
  'jsonb_array_length',
  'jsonb_typeof',
  'lpad',
  'max',
  'min',
  'now',
  'pg_backend_pid',
  'pg_is_in_recovery',
  'pg_postmaster_start_time',
  'pg_terminate_backend',
  'pg_try_advisory_xact_lock',
  'round',
  'set_config',
  'statement_timestamp',
  'string_to_array',
  'to_char',
  'to_hex',
  'to_json',
  'to_regclass',
  'to_timestamp',
  // With several arrays it is syntax, and only without a schema.
  String.raw`unnest(?!\(\$\d+::\w+\[\],)`,
];

const CALL = new RegExp(
  String.raw`(?<![\w."])(?=(?:${FUNCTIONS.join('|')})\()`,
  'g',
);

/**
 * SQL whose functions are those of PostgreSQL, whatever the session's `search_path` has in front of
 * `pg_catalog`: a schema with a `now()` of its own (some applications have one for their tests)
 * would decide when a job is due. Done here and not by hand, so that the statements stay readable
 * and none is forgotten.
 */
export const qualifyFunctions = (sql: string): string =>
  sql.replace(CALL, 'pg_catalog.');
