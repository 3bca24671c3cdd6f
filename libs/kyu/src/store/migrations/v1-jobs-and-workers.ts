import type { SqlNames } from '../statement.js';

/**
 * The first version of the tables. The twelve columns that the README documents come first. What must never happen is
 * a CHECK, because a guard that is only in the code protects nobody who edits rows by hand.
 */
export const V1_UP = (names: SqlNames): readonly string[] => [
  `CREATE TABLE ${names.jobs} (
     id            uuid PRIMARY KEY,
     job_type      text NOT NULL,
     -- json and not jsonb: the text comes back as it went in (key order, \\u0000), and an insert need not take it apart.
     payload       json NOT NULL DEFAULT 'null',
     status        text NOT NULL DEFAULT 'pending',
     priority      integer NOT NULL DEFAULT 0,
     scheduled_at  timestamptz NOT NULL DEFAULT now(),
     max_retries   integer NOT NULL DEFAULT 3,
     retry_count   integer NOT NULL DEFAULT 0,
     error_message text,
     locked_by     text,
     locked_at     timestamptz,
     completed_at  timestamptz,
     queue         text NOT NULL DEFAULT 'kyu:default',
     timeout_ms    integer NOT NULL DEFAULT 30000,
     created_at    timestamptz NOT NULL DEFAULT now(),
     updated_at    timestamptz NOT NULL DEFAULT now(),
     claim_token   integer NOT NULL DEFAULT 0,
     crash_count   integer NOT NULL DEFAULT 0,
     cancel_requested_at timestamptz,
     started_at    timestamptz,
     -- The run that completed the job: its worker, and when it was claimed; its end is completed_at.
     ran_by        text,
     ran_at        timestamptz,
     -- The runs that did not.
     history       jsonb NOT NULL DEFAULT '[]',
     result        json,
     -- Null for most jobs, which then pay nothing for it.
     context       json,
     CONSTRAINT ${names.index('status_is_known')} CHECK
       (status IN ('scheduled', 'pending', 'running', 'completed', 'failed', 'dead', 'cancelled')),
     CONSTRAINT ${names.index('running_has_an_owner')} CHECK
       ((status = 'running') = (locked_by IS NOT NULL) AND (locked_by IS NULL) = (locked_at IS NULL)
        AND (ran_by IS NULL) = (ran_at IS NULL)),
     CONSTRAINT ${names.index('finished_has_a_time')} CHECK
       ((status IN ('completed', 'dead', 'cancelled')) = (completed_at IS NOT NULL)),
     CONSTRAINT ${names.index('counts_are_not_negative')} CHECK
       (max_retries >= 0 AND retry_count >= 0 AND crash_count >= 0 AND claim_token >= 0 AND timeout_ms > 0),
     -- The difference of two infinite times fails on servers before 17, and with it every claim.
     CONSTRAINT ${names.index('times_are_finite')} CHECK (isfinite(scheduled_at) AND (locked_at IS NULL OR isfinite(locked_at))
        AND (ran_at IS NULL OR isfinite(ran_at)) AND isfinite(coalesce(completed_at, updated_at))),
     CONSTRAINT ${names.index('history_is_a_list')} CHECK (jsonb_typeof(history) = 'array')
   )`,
  // Every job leaves two dead versions of its row behind, in the heap and in the indexes that are read from their head. With the server's defaults (a fifth
  // of the table) a table with five million finished jobs is vacuumed after half a million more; with these after 30 000. The threshold keeps a small
  // table from being vacuumed every minute for nothing. Statistics are of little use to a queue, whose statements are written not to need them.
  `ALTER TABLE ${names.jobs} SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 10000,
     autovacuum_analyze_scale_factor = 0.05, autovacuum_analyze_threshold = 10000)`,
  // The hot path. Each holds only rows in its state, so it stays small however much history there is.
  `CREATE INDEX ${names.index('waiting')} ON ${names.jobs} (queue, priority DESC, id) WHERE status = 'pending'`,
  // Led by the queue, because several queues may share the table, each with a scheduler that asks for its own next job.
  `CREATE INDEX ${names.index('upcoming')} ON ${names.jobs} (queue, scheduled_at) WHERE status IN ('scheduled', 'failed')`,
  `CREATE INDEX ${names.index('running')} ON ${names.jobs} (locked_by) WHERE status = 'running'`,
  // For the workers' look at what they should stop, twice a second: in the index of running jobs it would read what busy workers have left behind there.
  // Holds nearly nothing, ever; the quick test comes first.
  `CREATE INDEX ${names.index('stopping')} ON ${names.jobs} (locked_by) WHERE cancel_requested_at IS NOT NULL AND status = 'running'`,
  // For deadJobs(). Jobs that never die never touch it.
  `CREATE INDEX ${names.index('dead')} ON ${names.jobs} (queue, id) WHERE status = 'dead'`,
  `CREATE TABLE ${names.workers} (
     id           text PRIMARY KEY,
     queue        text NOT NULL,
     host         text NOT NULL,
     pid          integer NOT NULL,
     slots        integer NOT NULL,
     job_types    text[] NOT NULL,
     started_at   timestamptz NOT NULL DEFAULT now(),
     heartbeat_at timestamptz NOT NULL DEFAULT now()
   )`,
];

export const V1_DOWN = (names: SqlNames): readonly string[] => [
  `DROP TABLE ${names.workers}`,
  `DROP TABLE ${names.jobs}`,
];
