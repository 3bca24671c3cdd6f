import { rmSync } from 'node:fs';
import { until } from '@kyu/testing';
import { Client } from 'pg';
import { expectNothingLeft, privateTmp } from '../embedded/program.js';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';
import { buildExample } from './build-example.js';
import { endAllShops, ShopProcess } from './shop-process.js';

/** What the demo promises. */
const LIMIT_MS = 60_000;
const TIMEOUT_MS = LIMIT_MS + 30_000;
const servers = { KYU_POSTGRES_URL: POSTGRES_URL, KYU_REDIS_URL: REDIS_URL };
const client = new Client({ connectionString: POSTGRES_URL });
const tmp = privateTmp();
/** On servers of its own; with --keep; one that loses a row; one that is interrupted. */
let alone: ShopProcess;
let kept: ShopProcess;
let robbed: ShopProcess;
let interrupted: ShopProcess;

// All at once, as each takes its fifteen seconds; the tests then look at what came of it.
beforeAll(async () => {
  await buildExample();
  await client.connect();
  alone = ShopProcess.start('demo', { TMPDIR: tmp });
  kept = ShopProcess.start('demo', servers, ['--keep']);
  robbed = ShopProcess.start('demo', servers);
  interrupted = ShopProcess.start('demo', servers);
  await Promise.all([
    rob(await schemaOf(robbed)),
    interrupted.says(/2 s waiting/).then(() => interrupted.kill('SIGINT')),
  ]);
}, 120_000);

afterAll(async () => {
  await endAllShops();
  await client.end();
  rmSync(tmp, { recursive: true });
});

async function schemaOf(demo: ShopProcess): Promise<string> {
  return (await demo.says(/"(kyu_demo_\w+)"\.kyu_jobs/))[1]!;
}

async function rob(schema: string): Promise<void> {
  await until('a finished job to take away', async () => {
    const { rowCount } = await client.query(
      `delete from ${schema}.kyu_jobs where id =
         (select id from ${schema}.kyu_jobs where status = 'completed' and job_type = 'send_sms' limit 1)`,
    );
    return rowCount === 1;
  });
}

async function exists(schema: string): Promise<boolean> {
  const { rowCount } = await client.query(
    'select 1 from pg_namespace where nspname = $1',
    [schema],
  );
  return rowCount === 1;
}

describe('the demo', () => {
  it(
    'ends by itself on embedded servers, all right, and leaves nothing behind',
    async () => {
      expect(await alone.ended()).toBe(0);
      expect(alone.tookMs).toBeLessThan(LIMIT_MS);
      expect(alone.lines[0]).toMatch(/^Servers: .*\(embedded.*\(embedded/);
      expect(alone.lines.at(-1)).toMatch(/^OK: all \d{3} jobs ended/);
      const [, url] = await alone.says(/psql '(\S+)'/);
      await expectNothingLeft(tmp, undefined, [url!]);
    },
    TIMEOUT_MS,
  );

  it('writes plain lines when it is piped', () => {
    expect(alone.output).not.toContain('\x1b');
    expect(alone.output).toMatch(/\n +5 s waiting \d+, running \d+/);
  });

  it(
    'says what stands in the table, keeps it up with --keep, and drops it at Ctrl-C',
    async () => {
      const schema = await schemaOf(kept);
      await kept.says(/stays up until Ctrl-C/, LIMIT_MS);
      const { rows } = await client.query<{ status: string; count: string }>(
        `select status, count(*) from ${schema}.kyu_jobs group by status order by status`,
      );
      const said = kept.output.match(/^ {2}(cancelled|completed|dead) +\d+$/gm);
      expect(said?.map((line) => line.trim().split(/ +/))).toEqual(
        rows.map(({ status, count }) => [status, count]),
      );
      expect(rows.map(({ status }) => status)).toEqual([
        'cancelled',
        'completed',
        'dead',
      ]);
      const [, url] = await kept.says(/curl (\S+)\/metrics/);
      expect((await fetch(`${url}/health`)).status).toBe(200);
      kept.ctrlC();
      expect(await kept.ended()).toBe(0);
      expect(await exists(schema)).toBe(false);
    },
    TIMEOUT_MS,
  );

  it('does not show the password of servers that it was given', () => {
    const { password } = new URL(POSTGRES_URL);
    expect(kept.output).toContain('psql');
    expect(kept.output).not.toContain(password || '***');
  });

  it(
    'says what is wrong, with exit code 1, when one job is missing',
    async () => {
      expect(await robbed.ended()).toBe(1);
      expect(robbed.lines.at(-1)).toMatch(
        /^WRONG: send_sms should be "60 completed, 60 runs" and is "59 completed, 59 runs"; kyu_jobs_total/,
      );
    },
    TIMEOUT_MS,
  );

  it('cleans up when it is interrupted', async () => {
    expect(await interrupted.ended()).toBe(130);
    expect(await exists(await schemaOf(interrupted))).toBe(false);
  });
});
