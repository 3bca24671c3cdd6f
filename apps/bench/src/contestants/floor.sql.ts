/** The statements of the floor. Each changes a row as far as Kyu's constraints ask for it, and no further. */

/** $1 ids, $2 payloads. */
export const INSERT = `
  INSERT INTO kyu_jobs (id, job_type, payload)
  SELECT id, 'send_mail', payload::json FROM unnest($1::uuid[], $2::text[]) AS new(id, payload)`;

export const FIND_PENDING = `SELECT id FROM kyu_jobs WHERE status = 'pending' ORDER BY id`;

/** $1 ids. */
export const CLAIM = `
  UPDATE kyu_jobs SET status = 'running', locked_by = 'floor', locked_at = now(), claim_token = claim_token + 1
   WHERE id = ANY($1::uuid[]) AND status = 'pending'
  RETURNING id, payload`;

/** $1 ids. */
export const SETTLE = `
  UPDATE kyu_jobs SET status = 'completed', locked_by = NULL, locked_at = NULL, completed_at = now()
   WHERE id = ANY($1::uuid[]) AND status = 'running' AND locked_by = 'floor'`;
