import { migrateKyu } from '@kyu/nestjs';
import { newGround, runSql, type Ground } from '../support/boot-app.js';
import { POSTGRES_URL } from '../support/servers.js';

async function migrated(): Promise<Ground> {
  const ground = newGround();
  await migrateKyu({ url: POSTGRES_URL, schema: ground.schema });
  return ground;
}

describe('the jobs table', () => {
  it('has the twelve documented columns first, with their types', async () => {
    const { schema } = await migrated();
    const columns = await runSql(
      `SELECT column_name AS name, data_type AS type, is_nullable AS nullable FROM information_schema.columns
        WHERE table_schema = $1 AND table_name = 'kyu_jobs' ORDER BY ordinal_position`,
      [schema],
    );
    const column = (name: string, type: string, nullable = 'NO') => ({
      name,
      type,
      nullable,
    });
    const time = 'timestamp with time zone';
    expect(columns.slice(0, 12)).toEqual([
      column('id', 'uuid'),
      column('job_type', 'text'),
      column('payload', 'json'),
      column('status', 'text'),
      column('priority', 'integer'),
      column('scheduled_at', time),
      column('max_retries', 'integer'),
      column('retry_count', 'integer'),
      column('error_message', 'text', 'YES'),
      column('locked_by', 'text', 'YES'),
      column('locked_at', time, 'YES'),
      column('completed_at', time, 'YES'),
    ]);
  });

  it('has the designed indexes, each partial, and no other than the primary key', async () => {
    const { schema } = await migrated();
    const rows = await runSql<{ name: string; columns: string; only: string }>(
      `SELECT c.relname AS name,
              regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING btree \\(([^)]*)\\).*$', '\\1') AS columns,
              pg_get_expr(i.indpred, i.indrelid) AS only
         FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE i.indrelid = $1::regclass ORDER BY 1`,
      [`"${schema}".kyu_jobs`],
    );
    const index = (name: string, columns: string, only: string | null) => ({
      name: `kyu_jobs_${name}`,
      columns,
      only,
    });
    const is = (status: string) => `(status = '${status}'::text)`;
    expect(rows).toEqual([
      index('dead', 'queue, id', is('dead')),
      index('pkey', 'id', null),
      index('running', 'locked_by', is('running')),
      index(
        'stopping',
        'locked_by',
        `((cancel_requested_at IS NOT NULL) AND ${is('running')})`,
      ),
      index(
        'upcoming',
        'queue, scheduled_at',
        "(status = ANY (ARRAY['scheduled'::text, 'failed'::text]))",
      ),
      index('waiting', 'queue, priority DESC, id', is('pending')),
    ]);
  });

  const refused: [string, string][] = [
    ['a status that there is not', `status = 'paused'`],
    ['running without an owner', `status = 'running'`],
    ['an owner without running', `locked_by = 'w', locked_at = now()`],
    ['an owner without a time', `status = 'running', locked_by = 'w'`],
    ['completed without a time', `status = 'completed'`],
    ['pending with the time of an end', `completed_at = now()`],
    ['a negative retry_count', `retry_count = -1`],
    ['a timeout of nothing', `timeout_ms = 0`],
    ['a history that is no list', `history = '{}'`],
    ['a payload that is no JSON', `payload = 'nope'`],
  ];
  it.each(refused)('refuses %s', async (_, change) => {
    const ground = await migrated();
    await ground.sql(
      `INSERT INTO jobs (id, job_type) VALUES (gen_random_uuid(), 'job')`,
    );
    await expect(ground.sql(`UPDATE jobs SET ${change}`)).rejects.toThrow(
      /violates check constraint|invalid input syntax/,
    );
  });

  it('takes a job that somebody inserted by hand with an id and a type', async () => {
    const ground = await migrated();
    const [job] = await ground.sql(
      `INSERT INTO jobs (id, job_type) VALUES (gen_random_uuid(), 'job') RETURNING *`,
    );
    expect(job).toMatchObject({
      status: 'pending',
      payload: null,
      queue: 'kyu:default',
      priority: 0,
      max_retries: 3,
      history: [],
    });
  });
});
