import type { Job, JobContext, KyuOptions } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { openAppDataSource } from '../support/app-database.js';
import { runJob } from '../support/run-job.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';
import { newRole } from '../support/test-role.js';
// After start-kyu.ts: afterEach hooks run in the order in which they were defined, and the pooler has
// to outlive the applications.
import { hasPgBouncer, startPgBouncer } from '../support/pgbouncer.js';

type Postgres = KyuOptions['postgres'];

type Owner = [string, (settings: Record<string, string>) => Promise<Postgres>];

const pooled: Owner = [
  'behind PgBouncer',
  async (settings) => {
    const role = await newRole(settings);
    const { url } = await startPgBouncer('transaction', { logins: [role] });
    return { url: url(role), maxConnections: 8 };
  },
];

/** Kyu in sessions with these settings. */
const OWNERS: Owner[] = [
  [
    'lent',
    async (settings) => ({
      url: undefined,
      dataSource: await openAppDataSource({
        url: (await newRole(settings)).url,
      }),
    }),
  ],
  ["Kyu's own", async (settings) => ({ url: (await newRole(settings)).url })],
  // Only here Kyu may set nothing up. (Field 11 says so loudly where there is no PgBouncer.)
  ...(hasPgBouncer ? [pooled] : []),
];

const handlers = {
  /** Fails once before it completes, so that its history holds both kinds of runs. */
  flaky: (_: unknown, { attempt }: JobContext) => {
    if (attempt === 1) throw new Error('not yet');
    return 'done';
  },
  dies: () => {
    throw new Error('no');
  },
};

/** A time that is read as another day where day and month change places. */
const FIFTH_OF_JUNE = new Date('2031-06-05T04:03:02.123Z');

describe.each(OWNERS)(
  'field 13: settings of sessions that are %s',
  (owner, postgresOf) => {
    describe.each([
      ['datestyle', `'SQL, DMY'`],
      ['datestyle', `'German'`],
      ['timezone', `'Australia/Eucla'`],
      ['array_nulls', 'off'],
      ['extra_float_digits', '-15'],
      // These mean nothing to any statement of Kyu's.
      ['intervalstyle', `'sql_standard'`],
      ['standard_conforming_strings', 'off'],
    ])('%s = %s', (name, value) => {
      it('jobs run, and inspect(), deadJobs() and the history have the right times', async () => {
        const kyu = await startKyu({
          options: {
            postgres: await postgresOf({ [name]: value }),
            backoff: { base: 1, cap: 1 },
          },
          handlers,
        });
        const [later, now] = await kyu.queue.enqueueMany([
          { type: 'flaky', payload: 'späť ☃', scheduledAt: FIFTH_OF_JUNE },
          { type: 'flaky', payload: '\\ \'" {NULL}' },
        ]);
        const upcoming = await kyu.queue.inspect(later!);
        expect(upcoming).toMatchObject({
          status: 'scheduled',
          scheduledAt: FIFTH_OF_JUNE,
          payload: 'späť ☃',
        });
        await until('the job to be completed', async () => {
          return (await kyu.queue.inspect(now!)).status === 'completed';
        });
        const done = await kyu.queue.inspect(now!);
        expect(done).toMatchObject({
          payload: '\\ \'" {NULL}',
          result: 'done',
        });
        await expectTimesOf(kyu, done);
        await runJob(kyu.app, 'dies', null, { maxRetries: 0 });
        const [dead] = await kyu.queue.deadJobs();
        const age = Date.now() - dead!.completedAt!.getTime();
        expect(Math.abs(age)).toBeLessThan(60_000);
      });
    });

    it('a schema in front of pg_catalog, with a now() and a jsonb_typeof() of its own, changes nothing', async () => {
      const shadow = `shadow_${Math.random().toString(36).slice(2)}`;
      const helper = await startKyu({ options: { mode: 'producer' } });
      await helper.sql(
        `CREATE SCHEMA ${shadow}; GRANT USAGE ON SCHEMA ${shadow} TO PUBLIC`,
      );
      await helper.sql(
        `CREATE FUNCTION ${shadow}.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT timestamptz '2099-01-01' $$;
       CREATE FUNCTION ${shadow}.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT timestamptz '2099-01-01' $$;
       CREATE FUNCTION ${shadow}.jsonb_typeof(jsonb) RETURNS text LANGUAGE sql AS $$ SELECT 'nothing' $$;
       CREATE FUNCTION ${shadow}.to_json(text) RETURNS json LANGUAGE sql AS $$ SELECT NULL::json $$;
       CREATE FUNCTION ${shadow}.never(timestamptz, timestamptz) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$;
       CREATE OPERATOR ${shadow}.<= (leftarg = timestamptz, rightarg = timestamptz, function = ${shadow}.never)`,
      );
      try {
        const kyu = await startKyu({
          options: {
            postgres: await postgresOf({
              search_path: `${shadow}, pg_catalog`,
            }),
            backoff: { base: 1, cap: 1 },
          },
          handlers,
        });
        const later = await kyu.queue.enqueue('flaky', 1, {
          scheduledAt: FIFTH_OF_JUNE,
        });
        const done = await runAndFail(kyu);
        expect(await kyu.queue.inspect(later)).toMatchObject({
          status: 'scheduled',
          claimToken: 0,
        });
        expect(done.createdAt.getFullYear()).toBeLessThan(2099);
        await expectTimesOf(kyu, done);
        // In the application's own transaction Kyu changes no setting.
        const { dataSource } =
          (await postgresOf({ search_path: `${shadow}, pg_catalog` })) ?? {};
        if (dataSource) {
          await kyu.sql(
            `GRANT USAGE ON SCHEMA "${kyu.schema}" TO PUBLIC; GRANT ALL ON jobs TO PUBLIC`,
          );
          const id = await dataSource.transaction((manager) =>
            kyu.queue.enqueue('flaky', 2, {
              manager,
              scheduledAt: FIFTH_OF_JUNE,
            }),
          );
          expect(await kyu.queue.inspect(id)).toMatchObject({
            status: 'scheduled',
          });
        }
        await kyu.close();
      } finally {
        await helper.sql(`DROP SCHEMA ${shadow} CASCADE`);
      }
    });

    it('says which settings it works around, where Kyu may not set them', async () => {
      const postgres = await postgresOf({
        array_nulls: 'off',
        extra_float_digits: '-3',
      });
      const { logger } = await startKyu({ options: { postgres } });
      expect(logger.messages('warn')).toEqual(
        owner === 'behind PgBouncer'
          ? [
              expect.stringMatching(
                /have array_nulls = off, extra_float_digits = -3\. /,
              ),
            ]
          : [],
      );
    });
  },
);

async function runAndFail(kyu: TestKyu): Promise<Job> {
  const { id } = await runJob(kyu.app, 'flaky', 1);
  return until('the job to be completed', async () => {
    const job = await kyu.queue.inspect(id);
    return job.status === 'completed' ? job : undefined;
  });
}

/**
 * That all times of a job are as the server says in a session of its own, and the history is in
 * UTC.
 */
async function expectTimesOf(kyu: TestKyu, job: Job): Promise<void> {
  const [row] = await kyu.sql<Record<string, number>>(
    `SELECT floor(extract(epoch FROM created_at) * 1000)::float8 AS created, floor(extract(epoch FROM completed_at) * 1000)::float8 AS completed,
            floor(extract(epoch FROM scheduled_at) * 1000)::float8 AS scheduled, floor(extract(epoch FROM ran_at) * 1000)::float8 AS ran
       FROM jobs WHERE id = $1`,
    [job.id],
  );
  expect(job.createdAt.getTime()).toBe(row!.created);
  expect(job.scheduledAt.getTime()).toBe(row!.scheduled);
  expect(job.completedAt?.getTime()).toBe(row!.completed);
  expect(job.history.map(({ outcome }) => outcome)).toEqual([
    'failed',
    'completed',
  ]);
  for (const { startedAt } of job.history)
    expect(startedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  expect(Date.parse(job.history[1]!.startedAt)).toBe(row!.ran);
}
