import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Arena } from '../harness/arena.js';
import { indexEvidence } from './audit.sql.js';

const BATCH = 5_000;

/** Brings the ledgers and the log of the faults beside the audit, where the checkers can join them. */
export async function loadEvidence(arena: Arena): Promise<void> {
  for (const file of await readdir(arena.ledgerFolder)) {
    const text = await readFile(path.join(arena.ledgerFolder, file), 'utf8');
    const lines = text.split('\n').filter((line) => line !== '');
    for (let from = 0; from < lines.length; from += BATCH)
      await arena.sql(
        `INSERT INTO @.chaos_ledger (kind, key, id, token, detail, at, mono, pid)
         SELECT kind, key, id, token, detail, at, mono, pid FROM jsonb_populate_recordset(NULL::@.chaos_ledger, $1)`,
        [`[${lines.slice(from, from + BATCH).join(',')}]`],
      );
  }
  await arena.sql(
    'INSERT INTO @.chaos_faults SELECT * FROM jsonb_populate_recordset(NULL::@.chaos_faults, $1)',
    [JSON.stringify(arena.faults.faults)],
  );
  for (const statement of indexEvidence(arena.schema))
    await arena.sql(statement);
}
