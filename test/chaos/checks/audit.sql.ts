/**
 * The audit of a scenario's jobs table: a trigger writes every change, whoever makes it, in the same transaction. The role of the application may not
 * touch it, hence SECURITY DEFINER.
 */
export const installAudit = (schema: string, role: string): string[] => [
  `CREATE TABLE "${schema}".chaos_audit (
     seq         bigserial PRIMARY KEY,
     at          timestamptz NOT NULL DEFAULT clock_timestamp(),
     now_at      timestamptz NOT NULL DEFAULT now(),
     op          text NOT NULL,
     id          uuid NOT NULL,
     key         text,
     old_status  text,
     new_status  text,
     old_worker  text,
     new_worker  text,
     old_token   integer,
     new_token   integer,
     old_crashes integer,
     new_crashes integer,
     scheduled_at timestamptz,
     -- How the run ended that this change ends, as Kyu put it on record: completed, failed, dead, cancelled, released or crashed.
     outcome     text
   )`,
  `CREATE FUNCTION "${schema}".chaos_audit_row() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $audit$
   BEGIN
     INSERT INTO "${schema}".chaos_audit (op, id, key, old_status, new_status, old_worker, new_worker,
         old_token, new_token, old_crashes, new_crashes, scheduled_at, outcome)
     VALUES (TG_OP, coalesce(NEW.id, OLD.id), CASE WHEN TG_OP = 'INSERT' THEN NEW.payload->>'key' END,
         OLD.status, NEW.status, OLD.locked_by, NEW.locked_by,
         OLD.claim_token, NEW.claim_token, OLD.crash_count, NEW.crash_count, coalesce(NEW.scheduled_at, OLD.scheduled_at),
         CASE WHEN TG_OP = 'UPDATE' THEN
           CASE WHEN NEW.ran_at IS NOT NULL AND OLD.ran_at IS DISTINCT FROM NEW.ran_at THEN 'completed'
                WHEN OLD.history IS DISTINCT FROM NEW.history THEN NEW.history -> -1 ->> 'outcome' END END);
     RETURN NULL;
   END $audit$`,
  `CREATE TRIGGER chaos_audit AFTER INSERT OR UPDATE OR DELETE ON "${schema}".kyu_jobs
     FOR EACH ROW EXECUTE FUNCTION "${schema}".chaos_audit_row()`,
  `CREATE TABLE "${schema}".chaos_ledger (
     line   bigserial,
     kind   text NOT NULL, key text, id uuid, token integer, detail text,
     at     float8 NOT NULL, mono float8 NOT NULL, pid integer NOT NULL
   )`,
  `CREATE TABLE "${schema}".chaos_faults (
     kind text NOT NULL, scope text NOT NULL, pid integer,
     from_at float8 NOT NULL, to_at float8, from_mono float8 NOT NULL, to_mono float8
   )`,
  // What the handlers of bookings write: by their own transaction, so without a key that would refuse a second one.
  `CREATE TABLE "${schema}".chaos_effects (id uuid NOT NULL, token integer NOT NULL)`,
  `GRANT INSERT ON "${schema}".chaos_effects TO ${role}`,
  `GRANT USAGE ON SCHEMA "${schema}" TO ${role}`,
  `GRANT SELECT, INSERT, UPDATE, DELETE ON "${schema}".kyu_jobs, "${schema}".kyu_workers TO ${role}`,
  `GRANT SELECT ON "${schema}".kyu_migrations TO ${role}`,
];

/** After the evidence has been loaded: what the checkers join on. */
export const indexEvidence = (schema: string): string[] => [
  `CREATE INDEX ON "${schema}".chaos_audit (id, seq)`,
  `CREATE INDEX ON "${schema}".chaos_audit (key) WHERE op = 'INSERT'`,
  `CREATE INDEX ON "${schema}".chaos_ledger (id, token)`,
  `CREATE INDEX ON "${schema}".chaos_ledger (key)`,
  `CREATE INDEX ON "${schema}".chaos_ledger (kind, pid)`,
  `CREATE INDEX ON "${schema}".chaos_effects (id, token)`,
  `ANALYZE "${schema}".chaos_audit, "${schema}".chaos_ledger, "${schema}".chaos_faults`,
];
