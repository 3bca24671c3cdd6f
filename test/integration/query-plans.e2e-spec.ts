import { migrateKyu } from '@kyu/nestjs';
import { Client, escapeLiteral, type Pool, type PoolClient } from 'pg';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import { newDataSource } from '../../libs/kyu/src/store/data-source.js';
import { LOOK_AT_HEALTH } from '../../libs/kyu/src/store/health.sql.js';
import * as readerSql from '../../libs/kyu/src/store/job-reader.sql.js';
import * as jobSql from '../../libs/kyu/src/store/job.sql.js';
import * as maintenanceSql from '../../libs/kyu/src/store/maintenance.sql.js';
import { sqlNames, Statement } from '../../libs/kyu/src/store/statement.js';
import * as settleSql from '../../libs/kyu/src/store/settle.sql.js';
import * as workerSql from '../../libs/kyu/src/store/worker.sql.js';
import { isolated } from '@kyu/testing';
import { POSTGRES_URL } from '../support/servers.js';

/** A table as it is after a busy week: mostly history. */
const FILL = `
  INSERT INTO jobs (id, job_type, queue, status, priority, scheduled_at, locked_by, locked_at, completed_at, created_at)
  SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint - 604800000 + n * 10000), 12, '0')
            || '7' || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid,
         'type' || n % 5, CASE WHEN n % 10 = 0 THEN 'other' ELSE 'q' END, status, n % 7,
         now() + CASE WHEN status IN ('scheduled', 'failed') THEN 1 ELSE -1 END * n % 1000 * interval '1 second',
         CASE WHEN status = 'running' THEN 'worker' || n % 5 END, CASE WHEN status = 'running' THEN now() END,
         CASE WHEN status IN ('completed', 'dead', 'cancelled') THEN now() - (60000 - n) * interval '10 seconds' END, now()
    FROM (SELECT n, CASE WHEN n <= 44000 THEN 'completed' WHEN n <= 47000 THEN 'dead' WHEN n <= 50000 THEN 'cancelled'
                         WHEN n <= 52000 THEN 'pending' WHEN n <= 53000 THEN 'scheduled' WHEN n <= 54000 THEN 'failed'
                         ELSE 'running' END AS status
            FROM generate_series(1, 54050) AS n) AS rows`;

/** In the middle of the history. */
const ID = middleId();
const IDS = `{${ID}}`;
const TYPES = '{type0,type1,type2,type3,type4}';
type Arguments = (string | number | null)[];

/** Each statement that runs often, with arguments and the index that it should read the jobs by. */
const HOT: Record<string, [Statement<never>, Arguments, string]> = {
  claimPopped: [
    jobSql.CLAIM_POPPED as never,
    ['worker', 'q', TYPES, IDS],
    'pkey',
  ],
  claimPoppedUnheld: [
    jobSql.CLAIM_POPPED_UNHELD as never,
    ['worker', 'q', TYPES, IDS],
    'pkey',
  ],
  claimWaiting: [
    jobSql.CLAIM_WAITING as never,
    ['worker', 'q', TYPES, 5],
    'waiting',
  ],
  settle: [
    settleSql.SETTLE_IF_OWNED as never,
    [
      IDS,
      '{1}',
      '{completed}',
      '{NULL}',
      '{NULL}',
      '{NULL}',
      '{NULL}',
      'worker1',
    ],
    'pkey',
  ],
  settleUnheld: [
    settleSql.SETTLE_UNHELD as never,
    [
      IDS,
      '{1}',
      '{completed}',
      '{NULL}',
      '{NULL}',
      '{NULL}',
      '{NULL}',
      'worker1',
    ],
    'pkey',
  ],
  release: [jobSql.RELEASE_IF_OWNED as never, [IDS, '{1}', 'worker1'], 'pkey'],
  releaseStrays: [jobSql.RELEASE_STRAYS as never, ['worker1', IDS], 'running'],
  mayStart: [jobSql.MAY_START as never, [IDS, '{1}', 'worker1'], 'pkey'],
  explainUnsettled: [
    settleSql.EXPLAIN_UNSETTLED as never,
    [IDS, '{1}', 'worker1'],
    'pkey',
  ],
  cancel: [jobSql.CANCEL_IF_UNFINISHED as never, [ID, 'q'], 'pkey'],
  findCancelRequested: [
    jobSql.FIND_CANCEL_REQUESTED as never,
    ['worker1'],
    'stopping',
  ],
  promote: [maintenanceSql.PROMOTE_DUE as never, ['q', 1_000], 'upcoming'],
  refill: [
    maintenanceSql.BEST_WAITING as never,
    ['q', 10_000, 30_000],
    'waiting',
  ],
  refillBehind: [
    maintenanceSql.BEST_WAITING_BEHIND as never,
    ['q', 10_000, 30_000, 3, ID],
    'waiting',
  ],
  rescue: [
    maintenanceSql.RESCUE_STALE as never,
    ['q', 30_000, 600_000, 3, 1_000],
    'running',
  ],
  prune: [
    maintenanceSql.PRUNE_FINISHED as never,
    ['q', 604_000_000, 604_000_000, 2_592_000_000, 604_000_000, 1_000],
    'pkey',
  ],
  inspect: [readerSql.FIND_JOB as never, [ID, 'q'], 'pkey'],
  deadJobs: [readerSql.FIND_DEAD as never, ['q', 100, null], 'dead'],
  'deadJobs, next page': [readerSql.FIND_DEAD as never, ['q', 100, ID], 'dead'],
  countWaiting: [readerSql.COUNT_WAITING as never, ['q'], 'waiting'],
  findUnhandled: [
    readerSql.FIND_UNHANDLED as never,
    ['q', IDS, '{type0}'],
    'pkey',
  ],
  countUnknown: [readerSql.COUNT_UNKNOWN as never, [IDS], 'pkey'],
  health: [LOOK_AT_HEALTH as never, ['q', 30_000, TYPES, 5_000], 'waiting'],
  removeLostWorkers: [
    workerSql.REMOVE_LOST_WORKERS as never,
    ['q', 30_000],
    'running',
  ],
};

function middleId(): string {
  const time = (Date.now() - 604_800_000 + 460_000_000)
    .toString(16)
    .padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
}

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  Plans?: Plan[];
}

/** How the jobs table is read: the names of the indexes, or the kind of scan that uses none. */
function waysIn(plan: Plan): string[] {
  const own = plan['Index Name']
    ? [plan['Index Name']]
    : plan['Relation Name'] === 'kyu_jobs' &&
        plan['Node Type'].endsWith('Seq Scan')
      ? [plan['Node Type']]
      : [];
  return [...own, ...(plan.Plans ?? []).flatMap(waysIn)];
}

const stepsOf = (plan: Plan): string[] => [
  plan['Node Type'],
  ...(plan.Plans ?? []).flatMap(stepsOf),
];

/** The plan of a statement that is prepared now: the index that it should use, the ways that it takes into the jobs, and its steps. */
async function planOf(
  client: Client | PoolClient,
  schema: string,
  name: string,
) {
  const [statement, values, index] = HOT[name]!;
  const { text } = statement.for(sqlNames({ schema, prefix: 'kyu_' }));
  const literals = values.map((value) =>
    value === null ? 'NULL' : escapeLiteral(String(value)),
  );
  await client.query(`PREPARE hot AS ${text}`);
  try {
    const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
      `EXPLAIN (FORMAT JSON) EXECUTE hot(${literals.join(', ')})`,
    );
    const plan = rows[0]!['QUERY PLAN'][0].Plan;
    const ways = new Set(
      // Of the jobs table; TypeORM names the key of its migrations PK_ and a hash.
      waysIn(plan).filter((way) => !/^(kyu_workers|PK_)/.test(way)),
    );
    const wanted = index.split('|').map((each) => `kyu_jobs_${each}`);
    return { ways, wanted, steps: stepsOf(plan) };
  } finally {
    await client.query('DEALLOCATE hot');
  }
}

describe('on a table with 50 000 finished jobs', () => {
  const { schema } = isolated();
  let client: Client;

  beforeAll(async () => {
    await migrateKyu({ url: POSTGRES_URL, schema });
    client = new Client({ connectionString: POSTGRES_URL });
    await client.connect();
    await client.query(`SET search_path = "${schema}"`);
    await client.query(FILL.replace('INTO jobs', 'INTO kyu_jobs'));
    await client.query(
      `INSERT INTO kyu_workers (id, queue, host, pid, slots, job_types)
       SELECT 'worker' || n, 'q', 'host', n, 5, $1 FROM generate_series(0, 4) AS n`,
      [TYPES],
    );
    await client.query('VACUUM ANALYZE kyu_jobs, kyu_workers');
  });

  afterAll(async () => {
    await client.query(`DROP SCHEMA "${schema}" CASCADE`);
    await client.end();
  });

  // A prepared statement gets a plan of its own for its first five runs and maybe a generic one from then on: both must be good.
  describe.each(['force_custom_plan', 'force_generic_plan'])('%s', (mode) => {
    it.each(Object.keys(HOT))('%s reads by its index', async (name) => {
      await client.query(`SET plan_cache_mode = ${mode}`);
      const { ways, wanted } = await planOf(client, schema, name);
      // An update finds its rows again by the primary key; the search itself must be by the index.
      expect(wanted.some((each) => ways.has(each))).toBe(true);
      for (const way of [...wanted, 'kyu_jobs_pkey']) ways.delete(way);
      expect([...ways]).toEqual([]);
    });
  });
});

/** New tables, and one connection as Kyu opens them. */
async function withSession(
  planCacheMode: string,
  ask: (client: PoolClient, schema: string) => Promise<void>,
): Promise<void> {
  const { schema } = isolated();
  await migrateKyu({ url: POSTGRES_URL, schema });
  const dataSource = newDataSource({
    url: POSTGRES_URL,
    dataSource: undefined,
    ssl: undefined,
    tables: { schema, prefix: 'kyu_' },
    maxConnections: 1,
    minConnections: 0,
    maxLifetimeMs: 60_000,
    migrations: 'manual',
  });
  await dataSource.initialize();
  const pool = (dataSource.driver as PostgresDriver).master as Pool;
  const client = await pool.connect();
  try {
    await client.query(`SET plan_cache_mode = ${planCacheMode}`);
    await client.query(`SET search_path = "${schema}"`);
    await ask(client, schema);
  } finally {
    await client.query(`DROP SCHEMA "${schema}" CASCADE`);
    client.release();
    await dataSource.destroy();
  }
}

describe.each(['force_custom_plan', 'force_generic_plan'])('%s', (mode) => {
  /** A worker that boots beside an empty table keeps the plans that it makes then, and meets a flood with them. */
  it('on an empty table no statement plans to read all of it', () =>
    withSession(mode, async (client, schema) => {
      // As after a vacuum of a table that has a few rows: it is known to be small.
      await client.query(
        `INSERT INTO kyu_jobs (id, job_type) SELECT gen_random_uuid(), 'type1' FROM generate_series(1, 3)`,
      );
      await client.query('VACUUM ANALYZE kyu_jobs');
      const scans: string[] = [];
      for (const name of Object.keys(HOT)) {
        const { ways } = await planOf(client, schema, name);
        if (ways.has('Seq Scan')) scans.push(name);
      }
      expect(scans).toEqual([]);
    }));

  /** Everything waits, in the order in which it came: the primary key and a sort of all of it look cheap then. */
  it('a refill reads a backlog in order, and no more than it takes', () =>
    withSession(mode, async (client, schema) => {
      await client.query(
        `INSERT INTO kyu_jobs (id, job_type, queue)
         SELECT ('${ID.slice(0, -12)}' || lpad(to_hex(n), 12, '0'))::uuid, 'type1', 'q' FROM generate_series(1, 100000) AS n`,
      );
      await client.query('VACUUM ANALYZE kyu_jobs');
      for (const name of ['refill', 'refillBehind']) {
        const { ways, steps } = await planOf(client, schema, name);
        expect([...ways]).toEqual(['kyu_jobs_waiting']);
        expect(steps.filter((step) => /Bitmap|Gather/.test(step))).toEqual([]);
      }
    }));
});
