import { qualifyFunctions } from '../job/qualify-functions.js';

/**
 * The settings of a session that Kyu's statements depend on: how they are asked for and how they
 * are set. Constants all, so no value needs a parameter.
 */

/**
 * The session's `search_path` without `pg_catalog`, unless that is its first entry: PostgreSQL then
 * searches `pg_catalog` first by itself. With it behind another schema, that schema's functions,
 * operators and types replace the built-in ones. All other entries stay as they are.
 */
const PINNED_PATH = `array_to_string(ARRAY(
    SELECT entry FROM unnest(string_to_array(current_setting('search_path'), ',')) WITH ORDINALITY AS path(entry, place)
     WHERE place = 1 OR btrim(entry, ' "') <> 'pg_catalog' ORDER BY place), ',')`;

const isPinned = `current_setting('search_path') = ${PINNED_PATH}`;

/** What a statement needs to be understood as it is meant. Each value is an SQL expression. */
const MEANING = {
  search_path: PINNED_PATH,
  // Off, PostgreSQL reads the nulls of an array parameter as the text "NULL".
  array_nulls: `'on'`,
  // Below 0, numbers lose digits on their way to the client.
  extra_float_digits: `'1'`,
};

/**
 * A plan that was made while the table was small is kept and would read all of it when it is not: a
 * queue is empty one moment and has a million rows the next. Every statement of Kyu's has its index
 * and reads it from its head, in order, so none is worse off: a window of ten thousand ids needs no
 * bitmap of all that waits, sorted by several processes. None is so long that compiling it would
 * pay.
 *
 * A server that is too old for Kyu lacks some of them. It must get as far as the check of its
 * version, which says so.
 */
const PLANNING = {
  enable_seqscan: `'off'`,
  enable_bitmapscan: `'off'`,
  max_parallel_workers_per_gather: `'0'`,
  jit: `'off'`,
  plan_cache_mode: `'force_generic_plan'`,
};

/**
 * What a session is that Kyu opened itself. The statements are written for READ COMMITTED: where it
 * is stricter, two workers that meet at a row fail.
 */
const OWN = {
  ...MEANING,
  default_transaction_isolation: `'read committed'`,
  default_transaction_read_only: `'off'`,
  // For repositories of the entity: node-postgres reads no other form of a date. The order of day
  // and month stays.
  datestyle: `'ISO'`,
};

/** Milliseconds, by the name of the setting. */
export type SessionTimeouts = Readonly<Record<string, number>>;

type Settings = Readonly<Record<string, string>>;

const setAll = (settings: Settings, isLocal: boolean): string =>
  Object.entries(settings)
    .map(([name, value]) => `set_config('${name}', ${value}, ${isLocal})`)
    .join(', ');

/** Each for the session, if the server has it. */
const setKnown = (settings: Settings): string =>
  Object.entries(settings)
    .map(
      ([name, value]) =>
        `CASE WHEN current_setting('${name}', true) IS NOT NULL THEN ${setAll({ [name]: value }, false)} END`,
    )
    .join(', ');

const inMs = (timeouts: SessionTimeouts): Record<string, string> =>
  Object.fromEntries(
    Object.entries(timeouts).map(([name, ms]) => [name, `'${ms}ms'`]),
  );

/**
 * Sets up a session that Kyu opened. $1: the process id that the client was told when it connected.
 * A pooler tells an id of its own. Then there is no row and nothing is set, because the settings
 * would stay behind in a session that other clients use, too.
 */
export const setUpSession = (timeouts: SessionTimeouts): string =>
  qualifyFunctions(
    `SELECT ${setAll({ ...OWN, ...inMs(timeouts) }, false)}, ${setKnown(PLANNING)} WHERE pg_backend_pid() = $1`,
  );

/** A process that freezes in the middle of a transaction must not keep its rows for ever. */
const IDLE_MS = 10_000;

/** The second statement of a transaction, before any that reads or writes. */
const SET_UP_ISOLATION =
  'SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE';

/**
 * The same for a transaction in which only Kyu's statements run: all settings that they need. They
 * hold until the end of the transaction, in whatever session it is.
 */
export const setUpTransaction = (timeouts: SessionTimeouts = {}): string =>
  `${SET_UP_ISOLATION}; ${qualifyFunctions(
    `SELECT ${setAll(
      {
        ...MEANING,
        ...inMs({ idle_in_transaction_session_timeout: IDLE_MS, ...timeouts }),
      },
      true,
    )}`,
  )}`;

/**
 * For a transaction whose isolation is set. Where it may write already, PostgreSQL takes this after
 * a query, too.
 */
export const ALLOW_WRITES = 'SET TRANSACTION READ WRITE';

/** What a look at a session tells. */
export interface SessionRow {
  pid: number;
  encoding: string;
  is_replica: boolean;
  /** Each setting that is not as the statements need it, with its value; null for none. */
  wrong: string | null;
}

/** Outside of a transaction, so that `transaction_isolation` is what a statement by itself gets. */
export const LOOK_AT_SESSION = qualifyFunctions(`
  SELECT pg_backend_pid() AS pid, current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS is_replica,
         nullif(concat_ws(', ',
           CASE WHEN current_setting('transaction_isolation') <> 'read committed'
                THEN 'default_transaction_isolation = ' || current_setting('transaction_isolation') END,
           CASE WHEN current_setting('transaction_read_only') <> 'off' THEN 'default_transaction_read_only = on' END,
           CASE WHEN NOT ${isPinned} THEN 'search_path = ' || current_setting('search_path') END,
           CASE WHEN current_setting('array_nulls') <> 'on' THEN 'array_nulls = off' END,
           CASE WHEN CAST(current_setting('extra_float_digits') AS int) < 0
                THEN 'extra_float_digits = ' || current_setting('extra_float_digits') END), '') AS wrong`);
