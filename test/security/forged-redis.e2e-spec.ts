import { isolated, until } from '@kyu/testing';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

/** What is in Redis is untrusted: a forged member can only name a pending row of the queue that is due anyway. */

it('forged members are harmless: junk, huge ones, ids of nobody, of another queue, of jobs that have ended', async () => {
  let runs = 0;
  const kyu = await startKyu({ handlers: { work: () => ++runs } });
  const ended = await runJob(kyu.app, 'work');
  const cancelled = await kyu.queue.enqueue('work', null, {
    scheduledAt: new Date(Date.now() + 3_600_000),
  });
  await kyu.queue.cancelJob(cancelled);
  const foreign = '00000000-0000-7000-8000-00000000000a';
  await kyu.sql(
    `INSERT INTO jobs (id, queue, job_type) VALUES ($1, 'another', 'work')`,
    [foreign],
  );
  const before = await kyu.sql('SELECT * FROM jobs ORDER BY id');
  const forged = [
    '',
    ' ',
    'x'.repeat(1_000_000),
    `'; DROP TABLE kyu_jobs; --`,
    '{}',
    '\u0000\u0001',
    'null',
    ended.id.slice(0, -1),
    `${ended.id} `,
    '00000000-0000-7000-8000-000000000001',
    foreign,
    ended.id,
    ended.id.toUpperCase(),
    cancelled,
  ];
  const scores = ['-inf', '+inf', '0', '-1e308', '-2147483648'];
  for (const score of scores) {
    await kyu.redis.zadd(
      kyu.queueName,
      ...forged.flatMap((member) => [score, member]),
    );
    await kyu.redis.zadd(kyu.queueName, score, Buffer.from([0xff, 0xfe, 0x80]));
    await until('all to be popped', async () => {
      return (await kyu.redis.zcard(kyu.queueName)) === 0;
    });
    expect(await runJob(kyu.app, 'work')).toMatchObject({
      status: 'completed',
      claimToken: 1,
    });
  }
  expect(runs).toBe(1 + scores.length);
  const after = await kyu.sql<{ id: string }>('SELECT * FROM jobs ORDER BY id');
  const known = new Set(before.map(({ id }) => id));
  expect(after.filter(({ id }) => known.has(id))).toEqual(before);
  expect(kyu.logger.messages('error')).toEqual([]);
});

it('a forged member of a waiting job starts it no more than once, and a flood of them costs no job', async () => {
  const runs = new Map<string, number>();
  const kyu = await startKyu({
    handlers: {
      work: (_: unknown, { id }: { id: string }) =>
        void runs.set(id, (runs.get(id) ?? 0) + 1),
    },
  });
  const junk = Array.from({ length: 9_000 }, () => isolated().queueName);
  await kyu.redis.zadd(kyu.queueName, ...junk.flatMap((each) => [-1e9, each]));
  const ids = await kyu.queue.enqueueMany(
    Array.from({ length: 50 }, () => ({ type: 'work', payload: null })),
  );
  for (let i = 0; i < 20; i++)
    await kyu.redis.zadd(kyu.queueName, ...ids.flatMap((id) => [-i, id]));
  await until('all to run', () => runs.size === ids.length, 15_000);
  await until('the window to be empty', async () => {
    return (await kyu.redis.zcard(kyu.queueName)) === 0;
  });
  await runJob(kyu.app, 'work');
  expect([...runs.values()].every((count) => count === 1)).toBe(true);
});
