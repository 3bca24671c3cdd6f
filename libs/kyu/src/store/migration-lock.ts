import { setTimeout as sleep } from 'node:timers/promises';
import type { QueryRunner } from 'typeorm';
import { qualifyFunctions } from '../job/qualify-functions.js';
import { setUpTransaction } from './session-settings.sql.js';

/**
 * First half of the advisory lock's key, so that it meets nobody else's: the bytes of "kyu". The
 * second half is made of the schema, which may have to be created: several sets of tables in one
 * schema take turns.
 */
const LOCK_CLASS = 0x6b7975;

/**
 * $1 class, $2 schema. The lock belongs to the transaction and not to the session: behind a pooler
 * the next statement may reach another session, and a lock that was left in the first would never
 * be let go.
 */
const TRY_LOCK = qualifyFunctions(
  'SELECT pg_try_advisory_xact_lock($1, hashtext($2)) AS locked',
);

/** An index on a large table takes its time. */
const SET_UP = setUpTransaction({
  statement_timeout: 0,
  lock_timeout: 0,
  idle_in_transaction_session_timeout: 0,
});

/** Milliseconds between two tries for the lock, with jitter. */
const POLL_MS = 200;

/**
 * Does `work` in a transaction that holds the lock on the schema's tables, and waits for its turn.
 * The DDL is committed all at once or not at all, so a process may be killed at any point. A
 * process that waits is in no transaction meanwhile: a statement that waited would hold up every
 * `CREATE INDEX CONCURRENTLY`, which waits for all older transactions.
 */
export async function withMigrationLock<T>(
  runner: QueryRunner,
  schema: string,
  work: () => Promise<T>,
): Promise<T> {
  for (;;) {
    await runner.startTransaction();
    try {
      // In READ COMMITTED the statements behind the lock see what its last owner has done.
      await runner.query(SET_UP);
      const [row] = (await runner.query(TRY_LOCK, [LOCK_CLASS, schema])) as {
        locked: boolean;
      }[];
      if (row!.locked) {
        const result = await work();
        await runner.commitTransaction();
        return result;
      }
    } catch (error) {
      await runner.rollbackTransaction().catch(() => undefined); // it may be broken
      throw error;
    }
    await runner.rollbackTransaction();
    await sleep(POLL_MS * (0.5 + Math.random() / 2));
  }
}
