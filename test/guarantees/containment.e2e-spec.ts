import { until } from '@kyu/testing';
import { Client } from 'pg';
import { Gate } from '../support/gate.js';
import { POSTGRES_URL } from '../support/servers.js';
import { startKyu } from '../support/start-kyu.js';

/** I12: what goes wrong with one job stays with it. */

const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;

const hostile: Record<string, () => unknown> = {
  null: () => Promise.reject(null),
  undefined: () => Promise.reject(undefined),
  'a cyclic object': () => Promise.reject(cyclic),
  'NUL and half a pair': () => Promise.reject(new Error('\0 \ud800 \udc00')),
  '10 MB': () => Promise.reject(new Error('x'.repeat(10_000_000))),
  'a message that throws': () =>
    Promise.reject(
      Object.defineProperty(new Error(), 'message', {
        get: () => {
          throw new Error('no');
        },
      }),
    ),
  'a synchronous throw': () => {
    throw new Error('sync');
  },
};

it('I12 whatever a handler throws is on record, and the next job runs', async () => {
  const kyu = await startKyu({
    options: { workers: 1 },
    handlers: { ...hostile, fine: () => undefined },
  });
  for (const type of Object.keys(hostile)) {
    const dead = kyu.nextEvent('job.settled', (e) => e.jobType === type);
    const fine = kyu.nextEvent('job.settled', (e) => e.jobType === 'fine');
    const id = await kyu.queue.enqueue(type, null, { maxRetries: 0 });
    await kyu.queue.enqueue('fine', null);
    expect(await dead).toMatchObject({ id, status: 'dead' });
    expect(await fine).toMatchObject({ status: 'completed' });
    const job = await kyu.queue.inspect(id);
    expect(job.errorMessage).toEqual(expect.any(String));
    expect(job.history).toHaveLength(1);
  }
});

it('I12 a row that somebody locks does not hold up the outcomes of other jobs', async () => {
  const gate = new Gate();
  const kyu = await startKyu({
    options: { workers: 30 },
    handlers: { work: () => gate.wait() },
  });
  const [locked, ...ids] = await kyu.queue.enqueueMany(
    Array.from({ length: 20 }, () => ({ type: 'work', payload: null })),
  );
  await until('all to run', () => gate.arrivals === 20);
  const somebody = new Client({ connectionString: POSTGRES_URL });
  await somebody.connect();
  try {
    await somebody.query('BEGIN');
    await somebody.query(
      `SELECT FROM "${kyu.schema}".kyu_jobs WHERE id = $1 FOR UPDATE`,
      [locked],
    );
    gate.open(); // all end in one batch
    await until(
      'the others to be completed',
      async () => {
        const rows = await kyu.sql(
          `SELECT FROM jobs WHERE status = 'completed' AND id = ANY ($1)`,
          [ids],
        );
        return rows.length === ids.length;
      },
      5_000,
    );
  } finally {
    await somebody.query('ROLLBACK');
    await somebody.end();
  }
});
