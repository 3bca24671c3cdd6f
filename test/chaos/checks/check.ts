import type { Arena } from '../harness/arena.js';
import { CHECKERS } from './checkers.sql.js';

/** A promise that was broken, with what shows it. */
export interface Violation {
  checker: string;
  id: string | null;
  detail: string;
}

const SHOWN = 3;
/** More of one kind say nothing new. */
const COUNTED = 1_000;

/** Asks every checker. The evidence has been loaded. */
export async function runCheckers(arena: Arena): Promise<Violation[]> {
  const terms = { schema: `"${arena.schema}"`, ...arena.kyu };
  const found: Violation[] = [];
  for (const { name, sql } of CHECKERS) {
    const rows = await arena.sql<{ id: string | null; detail: string }>(
      `SELECT id, detail FROM (${sql(terms)}) AS violation LIMIT ${COUNTED}`,
    );
    found.push(...rows.map((row) => ({ checker: name, ...row })));
  }
  return found;
}

/** The violations in full: of the first few of each kind, everything that is known of the job. */
export async function showEvidence(
  arena: Arena,
  violations: readonly Violation[],
): Promise<string> {
  const parts: string[] = [];
  for (const checker of new Set(violations.map((each) => each.checker))) {
    const all = violations.filter((each) => each.checker === checker);
    parts.push(`\n■ ${checker}: ${all.length}`);
    for (const { id, detail } of all.slice(0, SHOWN)) {
      parts.push(`  ${id ?? '(no job)'}: ${detail}`);
      if (id !== null) parts.push(await storyOf(arena, id));
    }
  }
  return parts.join('\n');
}

/** What the audit and the ledgers have on one job, and what happened to its workers meanwhile, in the order of time. */
async function storyOf(arena: Arena, id: string): Promise<string> {
  const lines = await arena.sql<{ line: string }>(
    `WITH story AS (
       SELECT extract(epoch FROM at) * 1000 AS at, 'audit   ' || op || ' ' || coalesce(old_status, '-') || ' → ' || coalesce(new_status, '-')
              || ' token ' || coalesce(old_token::text, '-') || ' → ' || coalesce(new_token::text, '-')
              || coalesce(' ' || outcome, '') || ' crashes ' || coalesce(new_crashes, old_crashes) || ' worker ' || coalesce(new_worker, old_worker, '-') AS line
         FROM @.chaos_audit WHERE id = $1
       UNION ALL
       SELECT at, 'ledger  ' || kind || ' pid ' || pid || coalesce(' token ' || token, '') || coalesce(' ' || key, '') || coalesce(' ' || detail, '')
         FROM @.chaos_ledger WHERE id = $1
     ), pids AS (
       SELECT DISTINCT pid FROM @.chaos_ledger WHERE id = $1
       UNION SELECT split_part(new_worker, ':', 2)::int FROM @.chaos_audit WHERE id = $1 AND new_worker IS NOT NULL
     ), span AS (SELECT min(at) - 1000 AS from_at, max(at) + 1000 AS to_at FROM story)
     SELECT to_char(to_timestamp(at / 1000), 'HH24:MI:SS.MS') || ' ' || line AS line FROM (
       SELECT at, line FROM story
       UNION ALL
       SELECT fault.from_at, 'fault   ' || kind || coalesce(' pid ' || pid, '') || ' for ' || coalesce(round((fault.to_at - fault.from_at)::numeric)::text, '∞') || ' ms'
         FROM @.chaos_faults AS fault, span
        WHERE fault.from_at <= span.to_at AND coalesce(fault.to_at, 'Infinity') >= span.from_at AND scope <> 'redis' AND (pid IS NULL OR pid IN (SELECT pid FROM pids))
       UNION ALL
       SELECT at, 'ledger  ' || kind || ' pid ' || pid || coalesce(' ' || detail, '')
         FROM @.chaos_ledger AS line, span
        WHERE id IS NULL AND key IS NULL AND at BETWEEN from_at AND to_at AND pid IN (SELECT pid FROM pids)
     ) AS everything ORDER BY at LIMIT 60`,
    [id],
  );
  return lines.map(({ line }) => `      ${line}`).join('\n');
}
