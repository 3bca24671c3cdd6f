import { JOB_STATUSES, type KyuRetentionOptions } from '@kyu/nestjs';
import { Pruner } from '../../libs/kyu/src/maintenance/pruner.js';
import { MaintenanceStore } from '../../libs/kyu/src/store/maintenance-store.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

/** I1's other half: a row goes only when it has ended, and its retention is over. */

const start = (retention: KyuRetentionOptions): Promise<TestKyu> =>
  startKyu({ options: { mode: 'producer', retention } });

const prune = (kyu: TestKyu): Promise<{ pruned: number }> =>
  kyu.app.get(Pruner).runOnce();

/** Rows of each state that were made, and ended if they have, so many hours ago; the type is `state hours`. */
async function insert(
  kyu: TestKyu,
  hours: readonly number[],
  copies = 1,
): Promise<void> {
  for (const status of JOB_STATUSES)
    for (const age of hours)
      await kyu.sql(
        `INSERT INTO jobs (id, queue, job_type, status, completed_at, locked_by, locked_at)
         SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000 - $3 * 3600000::float8)::bigint), 12, '0') || '7000' || left(md5(random()::text), 16))::uuid,
                $1, $2 || ' ' || $3, $2,
                CASE WHEN $2 IN ('completed', 'dead', 'cancelled') THEN now() - $3 * interval '1 hour' END,
                CASE WHEN $2 = 'running' THEN 'w' END, CASE WHEN $2 = 'running' THEN now() END
           FROM generate_series(1, $4)`
          .replaceAll('$2', `'${status}'`)
          .replaceAll('$3', String(age))
          .replaceAll('$4', String(copies)),
        [kyu.queueName],
      );
}

const left = async (kyu: TestKyu): Promise<string[]> =>
  (
    await kyu.sql<{ job_type: string }>(
      'SELECT DISTINCT job_type FROM jobs ORDER BY 1',
    )
  ).map(({ job_type: type }) => type);

const LIVE = ['failed', 'pending', 'running', 'scheduled'];

it('the pruner deletes what has ended, each state after its own time, and no other row however old', async () => {
  const kyu = await start({ completed: '1h', cancelled: '5h', dead: '20h' });
  await insert(kyu, [0, 2, 10, 100]);
  expect(await prune(kyu)).toEqual({ pruned: 3 + 2 + 1 });
  expect(await left(kyu)).toEqual(
    [
      'completed 0',
      'cancelled 0',
      'cancelled 2',
      'dead 0',
      'dead 2',
      'dead 10',
      ...LIVE.flatMap((status) =>
        [0, 2, 10, 100].map((age) => `${status} ${age}`),
      ),
    ].toSorted(),
  );
  expect(await prune(kyu)).toEqual({ pruned: 0 });
});

it.each(['completed', 'cancelled', 'dead'] as const)(
  'the pruner keeps %s jobs for ever where retention says false',
  async (status) => {
    const kyu = await start({
      completed: '1h',
      cancelled: '1h',
      dead: '1h',
      [status]: false,
    });
    await insert(kyu, [100]);
    expect(await prune(kyu)).toEqual({ pruned: 2 });
    expect(await left(kyu)).toContain(`${status} 100`);
  },
);

it('the pruner does nothing where all is kept for ever', async () => {
  const kyu = await start({ completed: false, cancelled: false, dead: false });
  await insert(kyu, [400]);
  expect(await prune(kyu)).toEqual({ pruned: 0 });
  expect(await left(kyu)).toHaveLength(JOB_STATUSES.length);
});

it('the pruner keeps an old job that has ended only now', async () => {
  const kyu = await start({ completed: '1h' });
  await insert(kyu, [100]);
  await kyu.sql(
    `UPDATE jobs SET completed_at = now() WHERE status = 'completed'`,
  );
  await prune(kyu);
  expect(await left(kyu)).toContain('completed 100');
});

it('the pruner works in batches of 1000, tells how many, and touches no other queue', async () => {
  const kyu = await start({ completed: '1h', cancelled: false, dead: false });
  await insert(kyu, [10], 2_500);
  await kyu.sql(
    `UPDATE jobs SET queue = 'another' WHERE id IN (SELECT id FROM jobs WHERE status = 'completed' LIMIT 100)`,
  );
  const store = kyu.app.get(MaintenanceStore);
  const batches: number[] = [];
  const pruneFinished = store.pruneFinished.bind(store);
  store.pruneFinished = async (...args) => {
    batches.push(await pruneFinished(...args));
    return batches.at(-1)!;
  };
  const told = kyu.nextEvent('jobs.pruned');
  expect(await prune(kyu)).toEqual({ pruned: 2_400 });
  expect(await told).toEqual({ count: 2_400 });
  expect(batches).toEqual([1_000, 1_000, 400]);
  const rows = await kyu.sql(
    `SELECT queue, count(*)::int FROM jobs WHERE status = 'completed' GROUP BY 1`,
  );
  expect(rows).toEqual([{ queue: 'another', count: 100 }]);
});

it('the pruner does not wait for a row that somebody holds', async () => {
  const kyu = await start({ completed: '1h' });
  await insert(kyu, [100], 3);
  await kyu.sql('BEGIN');
  await kyu.sql(
    `SELECT FROM jobs WHERE id = (SELECT min(id::text)::uuid FROM jobs WHERE status = 'completed') FOR UPDATE`,
  );
  expect(await prune(kyu)).toMatchObject({ pruned: 2 });
  await kyu.sql('ROLLBACK');
  expect(await prune(kyu)).toEqual({ pruned: 1 });
});
