import type { Arena } from '../harness/arena.js';

/** What a run showed besides right and wrong. Milliseconds. */
export interface Measures {
  jobs: number;
  acked: number;
  /** Calls of enqueue that were told an error, and those that never heard. */
  refused: number;
  unanswered: number;
  byStatus: Record<string, number>;
  runs: number;
  /** Runs beyond a job's first, retries of failures not counted; all with a cause, or a checker would have spoken. */
  repeatedAfterCrash: number;
  /** Outcomes with an old token, refused. */
  lateResultsRefused: number;
  /** Outcomes that were stored, whose answer was lost, so that the second try was refused. */
  answersLost: number;
  rescued: number;
  /** Claims that were given back before their handler began: claimed ahead and out of time, or answers of a claim that were lost. */
  givenBackUnstarted: number;
  /** From the SIGKILL of a worker to the next claim of a job that it ran. */
  rescueMs: { p50: number; p99: number; max: number; count: number };
  fenced: number;
  jobsPerSecond: number;
}

const QUERY = `
  WITH deaths AS (
    SELECT pid, min(at) AS at FROM (
      SELECT pid, from_at AS at FROM @.chaos_faults WHERE kind = 'SIGKILL'
      UNION ALL SELECT pid, at FROM @.chaos_ledger WHERE kind = 'die' AND detail NOT LIKE 'SIGSTOP%') AS death
     GROUP BY pid
  ), rescues AS (
    SELECT audit.*, split_part(old_worker, ':', 2)::int AS pid,
           EXISTS (SELECT 1 FROM @.chaos_ledger AS start WHERE start.id = audit.id AND start.token = old_token AND kind = 'start') AS started
      FROM @.chaos_audit AS audit WHERE outcome = 'crashed'
  ), waits AS (
    SELECT (SELECT extract(epoch FROM min(claim.at)) * 1000 FROM @.chaos_audit AS claim
             WHERE claim.id = rescues.id AND claim.seq > rescues.seq AND claim.new_status = 'running') - deaths.at AS ms
      FROM rescues JOIN deaths USING (pid)
  ), lost AS (
    SELECT EXISTS (SELECT 1 FROM @.chaos_audit AS settle
                    WHERE settle.id = ledger.id AND settle.old_token = ledger.token AND settle.old_status = 'running'
                      AND settle.outcome IN ('completed', 'failed', 'dead', 'cancelled')) AS stored
      FROM @.chaos_ledger AS ledger WHERE kind = 'lease-lost'
  )
  SELECT (SELECT count(*) FROM @.chaos_audit WHERE op = 'INSERT')::int AS jobs,
         (SELECT count(*) FROM @.chaos_ledger WHERE kind = 'ack')::int AS acked,
         (SELECT count(*) FROM @.chaos_ledger WHERE kind = 'err')::int AS refused,
         (SELECT count(*) FILTER (WHERE kind = 'try') - count(*) FILTER (WHERE kind IN ('ack', 'err')) FROM @.chaos_ledger)::int AS unanswered,
         (SELECT jsonb_object_agg(status, n) FROM (SELECT status, count(*) AS n FROM @.kyu_jobs GROUP BY status) AS each) AS "byStatus",
         (SELECT count(*) FROM @.chaos_ledger WHERE kind = 'start')::int AS runs,
         (SELECT count(*) FROM rescues WHERE started AND new_status = 'pending')::int AS "repeatedAfterCrash",
         (SELECT count(*) FILTER (WHERE NOT stored) FROM lost)::int AS "lateResultsRefused",
         (SELECT count(*) FILTER (WHERE stored) FROM lost)::int AS "answersLost",
         (SELECT count(*) FROM rescues)::int AS rescued,
         (SELECT count(*) FROM @.chaos_audit AS back WHERE outcome = 'released' AND NOT EXISTS (
            SELECT 1 FROM @.chaos_ledger AS start WHERE start.id = back.id AND start.token = back.old_token AND start.kind = 'start'))::int AS "givenBackUnstarted",
         (SELECT jsonb_build_object('count', count(ms), 'p50', coalesce(round(percentile_disc(0.5) WITHIN GROUP (ORDER BY ms)), 0),
                   'p99', coalesce(round(percentile_disc(0.99) WITHIN GROUP (ORDER BY ms)), 0), 'max', coalesce(round(max(ms)), 0)) FROM waits WHERE ms IS NOT NULL) AS "rescueMs",
         (SELECT count(*) FROM @.chaos_ledger WHERE kind = 'fenced')::int AS fenced,
         (SELECT round((count(*) FILTER (WHERE new_status IN ('completed', 'dead', 'cancelled'))
                   / nullif(extract(epoch FROM max(at) - min(at)), 0))::numeric, 1)::float8 FROM @.chaos_audit) AS "jobsPerSecond"`;

/** The evidence has been loaded. */
export async function measure(arena: Arena): Promise<Measures> {
  const [row] = await arena.sql<Measures>(QUERY);
  return row!;
}
