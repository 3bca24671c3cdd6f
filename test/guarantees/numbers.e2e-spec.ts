import { until } from '@kyu/testing';
import type { JobContext } from '@kyu/nestjs';
import { fullHistory } from '../../libs/kyu/src/job/attempt-record.sql.js';
import { JobExecutor } from '../../libs/kyu/src/worker/job-executor.js';
import { Gate } from '../support/gate.js';
import { REDIS_URL } from '../support/servers.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

/** I20: enqueued = terminal + live, and the metrics of all processes together are what the table says. */

const abort = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve());
  });

const handlers = {
  fine: () => 'done',
  flaky: (_: unknown, { attempt }: JobContext) => {
    if (attempt < 3) throw new Error('again');
  },
  hopeless: () => {
    throw new Error('never');
  },
  patient: (_: unknown, { signal }: JobContext) => abort(signal),
};

async function page(kyu: TestKyu): Promise<string> {
  if (!kyu.app.getHttpServer().listening) await kyu.app.listen(0, '127.0.0.1');
  return (await fetch(`${await kyu.app.getUrl()}/metrics`)).text();
}

/** The sum of a series over processes; series that are not there count nothing. */
const sum = (pages: readonly string[], series: string): number =>
  pages
    .flatMap((text) => text.split('\n'))
    .filter((line) => line.startsWith(`${series} `))
    .reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);

it.each([
  ['Redis', { url: REDIS_URL }],
  ['PostgreSQL alone', false],
] as const)(
  'I20 after a mixed load on two processes the numbers add up, with %s',
  async (_, redis) => {
    const options = { redis, workers: 5, backoff: { base: 5, cap: 20 } };
    const first = await startKyu({ options, handlers });
    const second = await startKyu({ options, handlers, beside: first });
    const later = { scheduledAt: new Date(Date.now() + 3_600_000) };
    const ids: string[] = [];
    let enqueued = 0;
    for (let n = 0; n < 300; n++) {
      const { queue } = n % 2 ? first : second;
      const type = ['fine', 'flaky', 'hopeless', 'fine', 'nobody'][n % 5]!;
      const id = await queue.enqueue(type, n, {
        maxRetries: n % 4,
        ...(n % 10 === 3 && later),
      });
      ids.push(id);
      enqueued++;
      // Some in time, some too late.
      if (n % 6 === 0)
        await queue.cancelJob(ids[n - (n % 4)]!).catch(() => undefined);
    }
    const held = await first.queue.enqueue('patient', null);
    enqueued++;
    await until('it to run', async () => {
      return (await first.queue.inspect(held)).status === 'running';
    });
    await second.queue.cancelJob(held);
    const live = async (): Promise<number> =>
      (
        await first.sql(
          `SELECT FROM jobs WHERE status IN ('running', 'failed') OR status = 'pending' AND job_type <> 'nobody'`,
        )
      ).length;
    await until('what can run to end', async () => (await live()) === 0);

    const rows = await first.sql<{ status: string; count: number }>(
      'SELECT status, count(*)::int FROM jobs GROUP BY 1',
    );
    const count = (...statuses: string[]): number =>
      rows
        .filter(({ status }) => statuses.includes(status))
        .reduce((total, row) => total + row.count, 0);
    expect(
      count('completed', 'dead', 'cancelled') + count('scheduled', 'pending'),
    ).toBe(enqueued);
    for (const status of ['completed', 'dead', 'cancelled', 'scheduled'])
      expect(count(status)).toBeGreaterThan(0);

    const runs = await first.sql<{ outcome: string; count: number }>(
      `SELECT run->>'outcome' AS outcome, count(*)::int FROM jobs AS job, jsonb_array_elements(${fullHistory('job')}) AS run
        WHERE run->>'outcome' <> 'released' GROUP BY 1`,
    );
    const [unrun] = await first.sql<{ count: number }>(
      `SELECT count(*)::int FROM jobs WHERE status = 'cancelled' AND NOT history @? '$[*] ? (@.outcome == "cancelled")'`,
    );
    // The events of the last settles come a moment after their commit.
    await until('the pages to say so', async () => {
      const pages = [await page(first), await page(second)];
      expect(sum(pages, 'kyu_jobs_total')).toBe(enqueued);
      for (const { outcome, count: expected } of runs)
        expect([
          outcome,
          sum(pages, `kyu_jobs_processed_total{status="${outcome}"}`),
        ]).toEqual([outcome, expected]);
      expect(sum(pages, 'kyu_jobs_dead_total')).toBe(count('dead'));
      expect(sum(pages, 'kyu_jobs_cancelled_total')).toBe(unrun!.count);
      expect(sum(pages.slice(0, 1), 'kyu_queue_depth')).toBe(count('pending'));
      return true;
    });
  },
);

it('I20 a run that is given back after its cancel leaves a cancelled job, and is counted as one', async () => {
  const gate = new Gate();
  const kyu = await startKyu({ handlers: { hold: () => gate.wait() } });
  const ends: string[] = [];
  for (const event of ['job.settled', 'job.cancelled', 'job.released'] as const)
    kyu.events.on(event, () => ends.push(event));
  const id = await kyu.queue.enqueue('hold', null);
  await until('it to run', () => gate.arrivals);
  await kyu.queue.cancelJob(id);
  // As a stop does whose drainTimeout is over, and as it happens to what was claimed ahead.
  await kyu.app.get(JobExecutor).releaseAll(new Error('stop'));
  expect((await kyu.queue.inspect(id)).status).toBe('cancelled');
  gate.open();
  const pages = [await page(kyu)];
  expect({
    ends,
    counted:
      sum(pages, 'kyu_jobs_cancelled_total') +
      sum(pages, 'kyu_jobs_processed_total{status="cancelled"}'),
  }).toMatchObject({ counted: 1 });
});
