import type { DatabaseError } from 'pg';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

/** What PostgreSQL says to an edit of a waiting job. */
async function refusalOf(kyu: TestKyu, edit: string): Promise<DatabaseError> {
  return kyu.sql(`UPDATE jobs SET ${edit}`).then(
    () => {
      throw new Error('The edit was accepted.');
    },
    (error: unknown) => error as DatabaseError,
  );
}

describe('an edit by hand that no job can be in is refused by the table', () => {
  let kyu: TestKyu;
  let id: string;
  beforeEach(async () => {
    kyu = await startKyu({ options: { mode: 'producer' } });
    id = await kyu.queue.enqueue('mail', { to: 'ada' });
  });

  it.each([
    [`status = 'sleeping'`, 'status_is_known'],
    [`status = 'PENDING'`, 'status_is_known'],
    [`status = ''`, 'status_is_known'],
    [`status = 'running'`, 'running_has_an_owner'],
    [`status = 'running', locked_by = 'me'`, 'running_has_an_owner'],
    [`status = 'running', locked_at = now()`, 'running_has_an_owner'],
    [`locked_by = 'me', locked_at = now()`, 'running_has_an_owner'],
    [`locked_at = now()`, 'running_has_an_owner'],
    [`ran_by = 'w'`, 'running_has_an_owner'],
    [`ran_at = now()`, 'running_has_an_owner'],
    [`status = 'completed'`, 'finished_has_a_time'],
    [`status = 'dead'`, 'finished_has_a_time'],
    [`status = 'cancelled'`, 'finished_has_a_time'],
    [`completed_at = now()`, 'finished_has_a_time'],
    [`status = 'failed', completed_at = now()`, 'finished_has_a_time'],
    [`retry_count = -1`, 'counts_are_not_negative'],
    [`max_retries = -1`, 'counts_are_not_negative'],
    [`crash_count = -1`, 'counts_are_not_negative'],
    [`claim_token = -1`, 'counts_are_not_negative'],
    [`timeout_ms = 0`, 'counts_are_not_negative'],
    [`timeout_ms = -1`, 'counts_are_not_negative'],
    [`scheduled_at = 'infinity'`, 'times_are_finite'],
    [`scheduled_at = '-infinity'`, 'times_are_finite'],
    [`ran_by = 'w', ran_at = 'infinity'`, 'times_are_finite'],
    [`updated_at = 'infinity'`, 'times_are_finite'],
    [`history = '{}'`, 'history_is_a_list'],
    [`history = '"[]"'`, 'history_is_a_list'],
    [`history = 'null'`, 'history_is_a_list'],
  ])('%s: %s', async (edit, constraint) => {
    const before = await kyu.queue.inspect(id);
    const error = await refusalOf(kyu, edit);
    expect(error.code).toBe('23514'); // check_violation
    expect(error.constraint).toBe(`kyu_jobs_${constraint}`);
    expect(error.message).toContain(constraint);
    expect(await kyu.queue.inspect(id)).toEqual(before);
  });

  it.each([
    'job_type',
    'payload',
    'status',
    'priority',
    'scheduled_at',
    'max_retries',
    'retry_count',
    'queue',
    'timeout_ms',
    'created_at',
    'updated_at',
    'claim_token',
    'crash_count',
    'history',
  ])('%s = NULL', async (column) => {
    const error = await refusalOf(kyu, `${column} = NULL`);
    expect(error.code).toBe('23502'); // not_null_violation
    expect(error.column).toBe(column);
  });

  it.each([
    [`payload = '{oops'`, '22P02'],
    [`payload = ''`, '22P02'],
    [`priority = 2147483648`, '22003'],
    [`id = 'seventeen'`, '22P02'],
    [`scheduled_at = 'soon'`, '22007'],
  ])('%s', async (edit, code) => {
    expect((await refusalOf(kyu, edit)).code).toBe(code);
  });

  it('a second job of the same id', async () => {
    const insert = `INSERT INTO jobs (id, job_type) VALUES ($1, 'mail')`;
    await expect(kyu.sql(insert, [id])).rejects.toMatchObject({
      code: '23505',
    });
  });

  it('what a job can be in is accepted', async () => {
    for (const edit of [
      `status = 'running', locked_by = 'me', locked_at = now()`,
      `status = 'dead', locked_by = NULL, locked_at = NULL, completed_at = now()`,
      `status = 'scheduled', completed_at = NULL`,
      `retry_count = 0, max_retries = 0, timeout_ms = 1, history = '[]'`,
    ])
      await kyu.sql(`UPDATE jobs SET ${edit}`);
    expect((await kyu.queue.inspect(id)).status).toBe('scheduled');
  });
});
