/** Rows that a table would have after some days: made by the server, as to enqueue and run five million jobs takes minutes. */

/** A UUIDv7 of `age` ms ago, unique by its time. */
const id = (age: string): string => `
  (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint - ${age}), 12, '0') || '7' || lpad(to_hex(i % 4096), 3, '0')
   || '8' || substr(md5(i::text), 1, 15))::uuid`;

/** The last one a second ago, one every ten milliseconds before. */
const AGE = `(($1 - i) * 10 + 1000)`;

/** As a job of the bench has it. */
const PAYLOAD = `
  json_build_object('n', i, 'to', 'ada+' || i || '@example.com', 'subject', 'Your order is on its way')`;

/** $1 how many: completed within the last day, each by a run of its own. */
export const INSERT_FINISHED = `
  INSERT INTO kyu_jobs (id, job_type, payload, status, completed_at, claim_token, ran_by, ran_at)
  SELECT ${id(AGE)}, 'send_mail', ${PAYLOAD}, 'completed', now() - ($1 - i) * interval '10 milliseconds', 1,
         'web-1:4711:a1b2c3', now() - ($1 - i) * interval '10 milliseconds'
    FROM generate_series(1, $1::bigint) AS i`;

/** $1 how many: pending, the oldest first. */
export const INSERT_PENDING = `
  INSERT INTO kyu_jobs (id, job_type, payload)
  SELECT ${id(AGE)}, 'send_mail', ${PAYLOAD}
    FROM generate_series(0, $1::bigint - 1) AS i`;

/** $1 how many: due from tomorrow on. */
export const INSERT_SCHEDULED = `
  INSERT INTO kyu_jobs (id, job_type, payload, status, scheduled_at)
  SELECT ${id(AGE)}, 'send_mail', ${PAYLOAD}, 'scheduled', now() + interval '1 day' + i * interval '1 millisecond'
    FROM generate_series(1, $1::bigint) AS i`;
