import { until } from '@kyu/testing';
import { FaultProxy } from '../support/fault-proxy.js';
import { holdInserts } from '../support/hold-inserts.js';
import { isWaiting } from '../support/is-waiting.js';
import { POSTGRES_URL } from '../support/servers.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

/** A job that is claimed by the statement that stores it, when that is slow, fails or loses its answer. */

/** The job is stored, and its worker will never hear so. */
async function loseAnswer(kyu: TestKyu, proxy: FaultProxy) {
  proxy.set('deaf');
  const enqueued = kyu.queue.enqueue('work', null).catch(() => 'unknown');
  await until('it to be stored', async () => {
    const rows = await kyu.sql(`SELECT FROM jobs WHERE status = 'running'`);
    return rows.length;
  });
  proxy.set('none');
  proxy.resetAll();
  return { enqueued };
}

it('at a stop gives back what is stored after it, and does not begin it', async () => {
  let ran = 0;
  const kyu = await startKyu({ handlers: { work: () => void ran++ } });
  const inserts = await holdInserts(kyu);
  const enqueued = kyu.queue.enqueue('work', null);
  await inserts.pid();
  const closed = kyu.close();
  await inserts.release();
  const id = await enqueued;
  await closed;
  expect(ran).toBe(0);
  const rows = await kyu.sql(
    `SELECT status, retry_count, locked_by FROM jobs WHERE id = $1`,
    [id],
  );
  expect(rows).toEqual([
    { status: 'pending', retry_count: 0, locked_by: null },
  ]);
});

it('whose answer was lost does not strand the job: its worker gives it back, and it runs once', async () => {
  const proxy = await FaultProxy.open(POSTGRES_URL);
  try {
    let ran = 0;
    const kyu = await startKyu({
      options: { postgres: { url: proxy.url } },
      handlers: { work: () => void ran++ },
    });
    const { enqueued } = await loseAnswer(kyu, proxy);
    expect(await enqueued).toBe('unknown');
    await until(
      'the job to run',
      async () => {
        const rows = await kyu.sql(
          `SELECT FROM jobs WHERE status = 'completed'`,
        );
        return rows.length;
      },
      10_000,
    );
    expect(ran).toBe(1);
    await kyu.close();
  } finally {
    await proxy.close();
  }
});

it('that fails after long does not leave a worker with one slot asleep', async () => {
  let ran = 0;
  const kyu = await startKyu({
    options: { workers: 1 },
    handlers: { work: () => void ran++ },
  });
  const inserts = await holdInserts(kyu);
  const enqueued = kyu.queue.enqueue('work', null).catch(() => 'failed');
  const pid = await inserts.pid();
  // Its wait for an id ends after two seconds: then it waits for the slot that the insert has.
  await until('the loop to wait for its slot', () => !isWaiting(kyu), 5_000);
  await kyu.sql(`SELECT pg_terminate_backend($1)`, [pid]);
  expect(await enqueued).toBe('failed');
  await inserts.release();
  await kyu.queue.enqueueMany([
    { type: 'work', payload: null },
    { type: 'work', payload: null },
  ]);
  await until('both to run', () => ran === 2);
});

it('begins what took long to store, with its only slot for it', async () => {
  let ran = 0;
  const kyu = await startKyu({
    options: { workers: 1 },
    handlers: { work: () => void ran++ },
  });
  let givenBack = 0;
  kyu.events.on('job.released', () => void givenBack++);
  const inserts = await holdInserts(kyu);
  const enqueued = kyu.queue.enqueue('work', null);
  await inserts.pid();
  // Two seconds: longer than anything may be claimed ahead.
  await until('the loop to wait for its slot', () => !isWaiting(kyu), 5_000);
  await inserts.release();
  await enqueued;
  await until('it to run', () => ran);
  expect(givenBack).toBe(0);
});

it('whose answer was lost is given back by a stop, and nobody counts a crash', async () => {
  const proxy = await FaultProxy.open(POSTGRES_URL);
  try {
    const kyu = await startKyu({
      options: { postgres: { url: proxy.url } },
      handlers: { work: () => 0 },
    });
    await until('it to wait', () => isWaiting(kyu));
    const { enqueued } = await loseAnswer(kyu, proxy);
    const closed = kyu.close();
    expect(await enqueued).toBe('unknown');
    await closed;
    const rows = await kyu.sql(
      `SELECT status, locked_by, crash_count FROM jobs`,
    );
    expect(rows).toEqual([
      { status: 'pending', locked_by: null, crash_count: 0 },
    ]);
  } finally {
    await proxy.close();
  }
});
