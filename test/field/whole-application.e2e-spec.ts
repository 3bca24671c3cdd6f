import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { isolated, until } from '@kyu/testing';
import { Redis } from 'ioredis';
import { runSql } from '../support/boot-app.js';
import { compileEntry } from '../support/compile-entry.js';
import { describeWithPgBouncer, startPgBouncer } from '../support/pgbouncer.js';
import { REDIS_URL } from '../support/servers.js';
import { newRole } from '../support/test-role.js';
import type { WholeOrder, WholeReport, WholeSettings } from './whole/main.js';

/** `KYU_FIELD_JOBS=20000` for a run that is written down, which also prints the whole log. */
const JOBS = Number(process.env['KYU_FIELD_JOBS'] ?? 2_000);
const TIME_LIMIT_MS = 120_000 + JOBS * 10;
/** What `whole/main.ts` makes transactional. */
const BOOKINGS = JOBS / 20;

const { schema, queueName } = isolated();
const running: Application[] = [];

/** The application of `whole/main.ts` in a process of its own. */
class Application {
  readonly reports: WholeReport[] = [];
  private text = '';

  private constructor(private readonly process: ChildProcess) {
    running.push(this);
    process.on('message', (report: WholeReport) => this.reports.push(report));
    for (const stream of [process.stdout!, process.stderr!])
      stream.on('data', (text: Buffer) => {
        this.text += String(text);
      });
  }

  static start(entry: string, settings: WholeSettings): Application {
    return new Application(
      fork(entry, [JSON.stringify(settings)], {
        execArgv: [],
        env: { ...process.env, NO_COLOR: '1' },
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      }),
    );
  }

  get log(): string[] {
    return this.text.split('\n').filter((line) => line !== '');
  }

  says<K extends WholeReport['kind']>(
    kind: K,
  ): Promise<Extract<WholeReport, { kind: K }>> {
    return until(
      `the application to report "${kind}"`,
      () => {
        const { exitCode } = this.process;
        if (exitCode !== null)
          throw new Error(`it has ended with ${exitCode}: ${this.text}`);
        return this.reports.find(
          (report): report is Extract<WholeReport, { kind: K }> =>
            report.kind === kind,
        );
      },
      TIME_LIMIT_MS,
    );
  }

  tell(order: WholeOrder): void {
    this.process.send(order);
  }

  async close(): Promise<void> {
    const exited = once(this.process, 'exit');
    this.tell('close');
    await this.says('closed');
    this.process.disconnect();
    await exited;
  }

  kill(): void {
    this.process.kill('SIGKILL');
  }
}

afterEach(async () => {
  for (const each of running.splice(0)) each.kill();
  await runSql(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
  const redis = new Redis(REDIS_URL);
  for (const key of [queueName, `${queueName}:billing`])
    await redis.del(key, `{${key}}:clipped`, `{${key}}:owner`);
  redis.disconnect();
});

describeWithPgBouncer('the field, all of it in one application', () => {
  it(
    `runs ${JOBS} jobs, each once, in two processes behind PgBouncer in transaction mode, with a serializable role`,
    async () => {
      const role = await newRole({
        default_transaction_isolation: 'serializable',
      });
      const pooler = await startPgBouncer('transaction', {
        logins: [role],
        poolSize: 20,
      });
      const entry = await compileEntry('test/field/whole/main.ts');
      const settings: WholeSettings = {
        postgresUrl: pooler.url(role),
        redisUrl: REDIS_URL,
        schema,
        queueName,
      };
      const applications = [1, 2].map(() => Application.start(entry, settings));
      const ready = await Promise.all(
        applications.map((each) => each.says('ready')),
      );
      await runSql(
        `CREATE TABLE "${schema}".bookings (job uuid, number int); GRANT ALL ON "${schema}".bookings TO ${role.name}`,
      );
      // The global guard asks for a password; the interceptor wraps nothing, the version is in no path.
      for (const { metrics } of ready)
        expect(metrics).toEqual({
          refused: 403,
          status: 200,
          text: expect.stringMatching(/^# HELP kyu_/m) as string,
        });

      applications[0]!.tell({ enqueue: JOBS });
      const { acknowledged } = await applications[0]!.says('enqueued');
      expect(acknowledged).toBe(JOBS);
      await until(
        'all jobs to be completed',
        async () => {
          const [row] = await runSql<{ left: number }>(
            `SELECT count(*)::int AS left FROM "${schema}".kyu_jobs WHERE status <> 'completed'`,
          );
          return row!.left === 0;
        },
        TIME_LIMIT_MS,
      );

      for (const each of applications) each.tell('runs');
      const runs = await Promise.all(
        applications.map((each) => each.says('runs')),
      );
      const ids = runs.flatMap((each) => each.ids);
      expect(ids).toHaveLength(JOBS - BOOKINGS);
      expect(new Set(ids).size).toBe(JOBS - BOOKINGS);
      expect(runs.reduce((sum, { guarded }) => sum + guarded, 0)).toBe(JOBS);
      expect(
        await runSql(
          `SELECT count(*)::int AS rows, count(DISTINCT job)::int AS jobs FROM "${schema}".bookings`,
        ),
      ).toEqual([{ rows: BOOKINGS, jobs: BOOKINGS }]);
      expect(
        await runSql(
          `SELECT count(*)::int AS jobs, max(claim_token) AS claims, max(retry_count) AS retries FROM "${schema}".kyu_jobs`,
        ),
      ).toEqual([{ jobs: JOBS, claims: expect.any(Number), retries: 0 }]);

      for (const each of applications) {
        each.tell('ticks');
        const { cron, interval } = await each.says('ticks');
        // Twice as many if each ran twice. A late one may be followed by one that is in time.
        for (const times of [cron, interval]) {
          expect(times.length).toBeGreaterThan(0);
          const seconds = (times.at(-1)! - times[0]!) / 1_000;
          expect(times.length).toBeLessThanOrEqual(seconds + 2);
        }
      }
      await Promise.all(applications.map((each) => each.close()));

      for (const { log } of applications) {
        if (JOBS >= 20_000) process.stdout.write(`\n${log.join('\n')}\n`);
        const loud = log.filter((line) => /WARN|ERROR/.test(line));
        expect(loud).toEqual([
          expect.stringContaining(
            'default_transaction_isolation = serializable',
          ),
        ]);
        // A boot, and not a line for each job.
        expect(log.length).toBeLessThan(100);
      }
    },
    TIME_LIMIT_MS,
  );
});
