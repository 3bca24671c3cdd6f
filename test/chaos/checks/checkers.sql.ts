import { JOB_TRANSITIONS } from '@kyu/nestjs';

/** What a checker may need to know of the scenario. */
export interface CheckTerms {
  /** Quoted. */
  schema: string;
  heartbeatTimeoutMs: number;
  maxCrashes: number;
}

/** A checker is a query for violations: the job (or null), and what is wrong in words. No row: the promise was kept. */
export interface Checker {
  name: string;
  /** The promise of the design that it holds the system to. */
  promise: string;
  sql: (terms: CheckTerms) => string;
}

const TERMINAL = `('completed', 'dead', 'cancelled')`;

const LEGAL = Object.entries(JOB_TRANSITIONS)
  .flatMap(([from, tos]) => tos.map((to) => `('${from}', '${to}')`))
  .join(', ');

/** Wall clocks of two processes are read at slightly different moments around the same event. */
const SLACK_MS = 50;

const ms = (column: string): string => `(extract(epoch FROM ${column}) * 1000)`;

/** When the run that `audit` ends was claimed. */
const claimedAt = (schema: string, audit: string): string =>
  `(SELECT max(claim.at) FROM ${schema}.chaos_audit AS claim WHERE claim.id = ${audit}.id AND claim.seq < ${audit}.seq AND claim.new_status = 'running')`;

/** The runs as the handlers saw them: when each began, and when its handler ended or was told to. */
const RUNS = (schema: string): string => `
  runs AS (
    SELECT start.id, start.token, start.pid, min(start.mono) AS from_mono,
           coalesce(
             min(ending.mono),
             (SELECT min(mono) FROM ${schema}.chaos_ledger AS die WHERE die.pid = start.pid AND die.kind = 'die' AND die.detail NOT LIKE 'SIGSTOP%'),
             (SELECT min(from_mono) FROM ${schema}.chaos_faults AS gone WHERE gone.pid = start.pid AND gone.kind IN ('SIGKILL', 'exit')),
             'Infinity') AS to_mono
      FROM ${schema}.chaos_ledger AS start
      LEFT JOIN ${schema}.chaos_ledger AS ending
        ON ending.id = start.id AND ending.token = start.token AND ending.pid = start.pid AND ending.kind IN ('end', 'throw', 'abort')
     WHERE start.kind = 'start'
     GROUP BY start.id, start.token, start.pid
  )`;

export const CHECKERS: readonly Checker[] = [
  {
    name: 'lost',
    promise: 'I1: an acked job has its row until it is pruned, finished',
    sql: ({ schema }) => `
      SELECT ack.id, 'acked as ' || ack.key || ', and there is no row' AS detail
        FROM ${schema}.chaos_ledger AS ack
       WHERE ack.kind = 'ack'
         AND NOT EXISTS (SELECT 1 FROM ${schema}.kyu_jobs WHERE id = ack.id)
         AND NOT EXISTS (SELECT 1 FROM ${schema}.chaos_audit AS pruned
                          WHERE pruned.id = ack.id AND pruned.op = 'DELETE' AND pruned.old_status IN ${TERMINAL})`,
  },
  {
    name: 'unfinished',
    promise: 'I1: every job comes to an end once the faults are over',
    sql: ({ schema }) => `
      SELECT id, 'still ' || status || ' (' || job_type || '), locked by ' || coalesce(locked_by, 'nobody') AS detail
        FROM ${schema}.kyu_jobs WHERE status NOT IN ${TERMINAL}`,
  },
  {
    name: 'phantom',
    promise: 'I2: a row was asked for',
    sql: ({ schema }) => `
      SELECT id, 'its key ' || coalesce(key, '(none)') || ' was never tried' AS detail
        FROM ${schema}.chaos_audit AS row
       WHERE op = 'INSERT' AND NOT EXISTS (SELECT 1 FROM ${schema}.chaos_ledger AS tried WHERE tried.kind = 'try' AND tried.key = row.key)`,
  },
  {
    name: 'stored twice',
    promise: 'I2: one call makes one row',
    sql: ({ schema }) => `
      SELECT min(id::text)::uuid AS id, count(*) || ' rows for the key ' || key AS detail
        FROM ${schema}.chaos_audit WHERE op = 'INSERT' GROUP BY key HAVING count(*) > 1`,
  },
  {
    name: 'rejected and stored',
    promise: 'I2: what was refused as invalid was not stored',
    sql: ({ schema }) => `
      SELECT row.id, 'refused (' || err.detail || ') and stored' AS detail
        FROM ${schema}.chaos_ledger AS err JOIN ${schema}.chaos_audit AS row ON row.op = 'INSERT' AND row.key = err.key
       WHERE err.kind = 'err' AND err.detail LIKE '%Nothing was stored%'`,
  },
  {
    name: 'illegal transition',
    promise: 'I8: only the moves of JOB_TRANSITIONS are made',
    sql: ({ schema }) => `
      SELECT id, op || ' ' || coalesce(old_status, '') || ' → ' || coalesce(new_status, '') || ' at ' || at AS detail
        FROM ${schema}.chaos_audit
       WHERE CASE op
               WHEN 'INSERT' THEN new_status NOT IN ('scheduled', 'pending', 'running')
               WHEN 'DELETE' THEN old_status NOT IN ${TERMINAL}
               -- A cancel marks a running job and changes nothing else.
               ELSE (old_status, new_status) NOT IN (${LEGAL})
                    AND NOT (old_status = 'running' AND new_status = 'running' AND old_token = new_token AND old_worker = new_worker)
             END`,
  },
  {
    name: 'terminal resurrected',
    promise: 'I7: terminal is final',
    sql: ({ schema }) => `
      SELECT id, old_status || ' → ' || new_status || ' at ' || at AS detail
        FROM ${schema}.chaos_audit WHERE op = 'UPDATE' AND old_status IN ${TERMINAL}`,
  },
  {
    name: 'token reused',
    promise: 'I3: the tokens of a job only grow',
    sql: ({ schema }) => `
      SELECT id, 'claimed with the token ' || new_token || ', and ' || highest || ' had been given' AS detail
        FROM (SELECT id, new_token, new_status, old_status,
                     max(new_token) FILTER (WHERE new_status = 'running') OVER (PARTITION BY id ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS highest
                FROM ${schema}.chaos_audit) AS claim
       WHERE new_status = 'running' AND old_status IS DISTINCT FROM 'running' AND new_token <= highest`,
  },
  {
    name: 'late settle accepted',
    promise: 'I4: only the run with the current token settles, as it ended',
    sql: ({ schema }) => `
      SELECT settle.id, 'settled as ' || new_status || ' with the token ' || old_token || ' current, whose run had not ended like that' AS detail
        FROM ${schema}.chaos_audit AS settle
       WHERE old_status = 'running' AND new_status IN ('completed', 'failed', 'dead') AND outcome IS DISTINCT FROM 'crashed'
         AND NOT EXISTS (SELECT 1 FROM ${schema}.chaos_ledger AS ending
                          WHERE ending.id = settle.id AND ending.token = settle.old_token
                            AND ending.kind = ANY(CASE new_status WHEN 'completed' THEN ARRAY['end'] ELSE ARRAY['throw', 'abort']
                                -- The handler of a booking returned, and its COMMIT failed.
                                || CASE WHEN settle.id IN (SELECT id FROM ${schema}.kyu_jobs WHERE job_type = 'booking') THEN 'end' END END)
                            AND ending.at <= ${ms('settle.at')} + ${SLACK_MS})`,
  },
  {
    name: 'completed without an end',
    promise: 'a completed job has a handler that returned',
    sql: ({ schema }) => `
      SELECT id, 'completed with the token ' || old_token || ', and no handler of that token returned' AS detail
        FROM ${schema}.chaos_audit AS settle
       WHERE op = 'UPDATE' AND new_status = 'completed' AND old_status <> 'completed'
         AND NOT EXISTS (SELECT 1 FROM ${schema}.chaos_ledger AS ending
                          WHERE ending.id = settle.id AND ending.token = settle.old_token AND ending.kind = 'end')`,
  },
  {
    name: 'effects of no completion',
    promise:
      'a transactional handler has its effects once if its job is completed, and else never',
    sql: ({ schema }) => `
      SELECT booking.id, 'is ' || status || ', completed by the token ' || coalesce(completion.token::text, '(none)')
             || '; its effects are those of ' || coalesce(effects.tokens::text, '(none)') AS detail
        FROM ${schema}.kyu_jobs AS booking
        LEFT JOIN (SELECT id, array_agg(token ORDER BY token) AS tokens FROM ${schema}.chaos_effects GROUP BY id) AS effects USING (id)
        LEFT JOIN (SELECT id, old_token AS token FROM ${schema}.chaos_audit WHERE old_status = 'running' AND new_status = 'completed') AS completion USING (id)
       WHERE job_type = 'booking' AND effects.tokens IS DISTINCT FROM CASE status WHEN 'completed' THEN ARRAY[completion.token] END
      UNION ALL
      SELECT effect.id, 'an effect of no job' FROM ${schema}.chaos_effects AS effect
       WHERE NOT EXISTS (SELECT 1 FROM ${schema}.kyu_jobs WHERE id = effect.id)
      UNION ALL
      SELECT start.id, 'of the run ' || start.token || ' there is ' || CASE WHEN effect.id IS NULL THEN 'no row, and a job' ELSE 'a row, and no job' END
        FROM ${schema}.chaos_ledger AS start
        JOIN ${schema}.kyu_jobs AS booking ON booking.id = start.id AND booking.job_type = 'booking'
        LEFT JOIN ${schema}.chaos_effects AS effect ON effect.id = start.id AND effect.token = start.token
        LEFT JOIN ${schema}.chaos_audit AS child ON child.op = 'INSERT' AND child.key = start.key || '/' || start.token || '.booked'
       WHERE start.kind = 'start' AND (effect.id IS NULL) <> (child.id IS NULL)`,
  },
  {
    name: 'early claim',
    promise: 'I9: nothing starts before its time',
    sql: ({ schema }) => `
      SELECT id, 'claimed at ' || now_at || ', due at ' || scheduled_at AS detail
        FROM ${schema}.chaos_audit WHERE old_status IS DISTINCT FROM 'running' AND new_status = 'running' AND now_at < scheduled_at`,
  },
  {
    name: 'started without a claim',
    promise: 'I5: one claim, one start',
    sql: ({ schema }) => `
      SELECT id, count(*) || ' starts with the token ' || token || ' and ' ||
             (SELECT count(*) FROM ${schema}.chaos_audit AS claim WHERE claim.id = start.id AND new_token = start.token AND new_status = 'running' AND old_status IS DISTINCT FROM 'running')
             || ' claims' AS detail
        FROM ${schema}.chaos_ledger AS start WHERE kind = 'start' GROUP BY id, token
      HAVING count(*) > (SELECT count(*) FROM ${schema}.chaos_audit AS claim
                          WHERE claim.id = start.id AND new_token = start.token AND new_status = 'running' AND old_status IS DISTINCT FROM 'running')`,
  },
  {
    name: 'doubled without a cause',
    promise:
      'I5: without a crash, a stop or a fault of its worker a claimed job is not given back',
    sql: ({ schema, heartbeatTimeoutMs }) => `
      SELECT back.id, 'taken from ' || back.old_worker || ' at ' || back.at || ' (' || coalesce(outcome, 'no outcome')
             || CASE WHEN started THEN '' ELSE ', never started' END || '), and nothing had happened to it' AS detail
        FROM (SELECT audit.*, split_part(old_worker, ':', 2)::int AS pid, ${ms('audit.at')} AS at_ms,
                     EXISTS (SELECT 1 FROM ${schema}.chaos_ledger AS start WHERE start.id = audit.id AND start.token = old_token AND start.kind = 'start') AS started
                FROM ${schema}.chaos_audit AS audit
               WHERE old_status = 'running' AND (new_status = 'pending' OR outcome = 'crashed')) AS back
       WHERE NOT EXISTS (
               SELECT 1 FROM ${schema}.chaos_faults AS fault
                WHERE (fault.pid = back.pid OR (fault.pid IS NULL AND fault.scope = 'postgres')) AND fault.scope <> 'redis'
                  AND fault.from_at <= back.at_ms AND coalesce(fault.to_at, 'Infinity') >= back.at_ms - CASE
                        -- What is lost stays lost.
                        WHEN fault.kind IN ('SIGKILL', 'SIGTERM', 'exit') THEN 'Infinity'::float8
                        -- A half-open connection holds a claim or a settle up until its timeout.
                        WHEN fault.kind LIKE '%swallow' THEN 30000
                        -- A claim whose answer was lost is nobody's until its worker looks for such, or until it has overrun its time.
                        WHEN NOT started THEN 30000
                        ELSE ${heartbeatTimeoutMs} + 3000
                      END)
         AND NOT EXISTS (
               SELECT 1 FROM ${schema}.chaos_ledger AS die WHERE die.pid = back.pid AND die.kind = 'die' AND die.at <= back.at_ms)
         -- What was claimed ahead and found no slot for a second is given back to others, and with it all that waits behind it; but not at once.
         AND NOT (outcome = 'released' AND NOT started AND EXISTS (
               SELECT 1 FROM ${schema}.chaos_audit AS first
                WHERE first.old_worker = back.old_worker AND first.now_at = back.now_at AND first.outcome = 'released'
                  AND first.at - ${claimedAt(schema, 'first')} > interval '900 milliseconds'))
         -- So is a job whose transaction took longer to begin than an answer is believed.
         AND NOT (outcome = 'released' AND NOT started AND at - ${claimedAt(schema, 'back')} > ${heartbeatTimeoutMs / 4} * interval '1 millisecond'
                  AND EXISTS (SELECT 1 FROM ${schema}.kyu_jobs AS booking WHERE booking.id = back.id AND job_type = 'booking'))
         -- A process that stood still gives back what it had claimed ahead, as it cannot know how long it was away. That is no reason to take it away.
         AND NOT (outcome = 'released' AND NOT started AND EXISTS (
               SELECT 1 FROM ${schema}.chaos_ledger AS lag
                WHERE lag.pid = back.pid AND lag.kind = 'lag' AND lag.at BETWEEN back.at_ms - 3000 AND back.at_ms + 1500))`,
  },
  {
    name: 'overlap',
    promise:
      'I6: a worker stops its runs before anyone else begins them, or within a second of being able to',
    sql: ({ schema }) => `
      WITH ${RUNS(schema)}, frozen AS (
        SELECT pid, from_mono, coalesce(to_mono, 'Infinity') AS to_mono FROM ${schema}.chaos_faults WHERE kind = 'SIGSTOP'
        UNION ALL
        SELECT pid, mono - detail::float8, mono FROM ${schema}.chaos_ledger WHERE kind = 'lag'
      )
      SELECT a.id, 'the runs ' || a.token || ' (pid ' || a.pid || ') and ' || b.token || ' (pid ' || b.pid || ') overlap by '
             || round((least(a.to_mono, b.to_mono) - b.from_mono)::numeric) || ' ms' AS detail
        FROM runs AS a JOIN runs AS b ON b.id = a.id AND b.token > a.token AND b.from_mono < a.to_mono - ${SLACK_MS}
       WHERE NOT EXISTS (SELECT 1 FROM frozen WHERE frozen.pid = a.pid AND a.from_mono <= frozen.to_mono AND frozen.from_mono <= b.from_mono AND a.to_mono <= frozen.to_mono + 1000)`,
  },
  {
    name: 'attempts miscounted',
    promise:
      'I10: a failure counts as a retry, a crash as a crash, a stop as neither',
    sql: ({ schema, maxCrashes }) => `
      SELECT id, 'retries ' || retry_count || ', crashes ' || crash_count || '; the audit has ' || failed || ' and ' || crashed AS detail
        FROM ${schema}.kyu_jobs JOIN (
               SELECT id, count(*) FILTER (WHERE old_status = 'running' AND new_status = 'failed') AS failed,
                      count(*) FILTER (WHERE outcome = 'crashed') AS crashed
                 FROM ${schema}.chaos_audit GROUP BY id) AS audit USING (id)
       WHERE retry_count <> failed OR retry_count > max_retries
             -- A crash that hit a job before it had begun may be nobody's fault: from the second one on it is not counted.
          OR crash_count > crashed OR (crash_count = 0) <> (crashed = 0) OR crash_count > ${maxCrashes}
      UNION ALL
      SELECT id, 'its crashes went from ' || old_crashes || ' to ' || new_crashes || ' at ' || at
        FROM ${schema}.chaos_audit WHERE new_crashes <> old_crashes AND (outcome IS DISTINCT FROM 'crashed' OR new_crashes <> old_crashes + 1)
      UNION ALL
      SELECT id, 'dead after ' || retry_count || ' of ' || max_retries || ' retries'
        FROM ${schema}.kyu_jobs AS job
       WHERE status = 'dead' AND retry_count < max_retries
         AND EXISTS (SELECT 1 FROM ${schema}.chaos_audit AS death WHERE death.id = job.id AND new_status = 'dead' AND outcome IS DISTINCT FROM 'crashed')
      UNION ALL
      SELECT id, 'dead after ' || new_crashes || ' crashes of ${maxCrashes}'
        FROM ${schema}.chaos_audit WHERE outcome = 'crashed' AND new_status <> 'cancelled' AND (new_status = 'dead') <> (new_crashes >= ${maxCrashes})`,
  },
  {
    name: 'cancel ignored',
    promise:
      'I11: after cancelJob() no run starts, and the job does not complete',
    sql: ({ schema }) => `
      SELECT ack.id, 'cancelJob() said ' || ack.detail || ', and then: ' || after.old_status || ' → ' || after.new_status || ' at ' || after.at AS detail
        FROM ${schema}.chaos_ledger AS ack JOIN ${schema}.chaos_audit AS after
          ON after.id = ack.id AND ${ms('after.at')} > ack.at + ${SLACK_MS} AND after.op = 'UPDATE' AND after.new_status <> 'cancelled'
       WHERE ack.kind = 'cancel-ack'
      UNION ALL
      SELECT ack.id, 'cancelJob() said ' || ack.detail || ', and it is ' || job.status
        FROM ${schema}.chaos_ledger AS ack JOIN ${schema}.kyu_jobs AS job USING (id)
       WHERE ack.kind = 'cancel-ack' AND job.status <> 'cancelled'`,
  },
];
