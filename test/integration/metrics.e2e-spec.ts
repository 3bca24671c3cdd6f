import { Inject, Injectable, type INestApplication } from '@nestjs/common';
import { UnrecoverableJobError } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import type { Counter } from 'prom-client';
import { fullHistory } from '../../libs/kyu/src/job/attempt-record.sql.js';
import {
  METRIC_NAMES,
  metricToken,
} from '../../libs/kyu/src/metrics/metrics.providers.js';
import { runNode } from '../support/run-node.js';
import { Gate } from '../support/gate.js';
import { startKyu } from '../support/start-kyu.js';

async function scrape(app: INestApplication): Promise<string> {
  if (!app.getHttpServer().listening) await app.listen(0, '127.0.0.1');
  const response = await fetch(`${await app.getUrl()}/metrics`);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version/);
  return response.text();
}

/** The values of the page by series: `name{label="…"}`. */
function series(page: string): Map<string, number> {
  const lines = page.split('\n').filter((line) => line && line[0] !== '#');
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

const handlers = {
  fine: () => 'done',
  fails: () => {
    throw new Error('boom');
  },
  flaky: (_: unknown, { attempt }: { attempt: number }) => {
    if (attempt < 3) throw new Error('again');
  },
  hopeless: () => {
    throw new UnrecoverableJobError('never');
  },
};

describe('the page', () => {
  it('has the five metrics of the original, by name, type and labels', async () => {
    const { app } = await startKyu();
    const page = await scrape(app);
    const types = {
      kyu_jobs_total: 'counter',
      kyu_jobs_processed_total: 'counter',
      kyu_job_failures_total: 'counter',
      kyu_jobs_dead_total: 'counter',
      kyu_queue_depth: 'gauge',
    };
    for (const [name, type] of Object.entries(types)) {
      expect(page).toContain(`# TYPE ${name} ${type}\n`);
      expect(page).toMatch(new RegExp(`# HELP ${name} \\S`));
    }
    expect(page).toMatch(/^process_cpu_user_seconds_total /m);
    expect(page).toMatch(/^nodejs_eventloop_lag_seconds /m);
  });

  it('reconciles with the table after jobs of every fate', async () => {
    const kyu = await startKyu({
      handlers,
      options: { backoff: { base: '1ms' } },
    });
    const later = new Date(Date.now() + 3_600_000);
    for (let n = 0; n < 5; n++) await kyu.queue.enqueue('fine', n);
    await kyu.queue.enqueue('fails', null, { maxRetries: 2 });
    await kyu.queue.enqueue('fails', null, { maxRetries: 0 });
    await kyu.queue.enqueueMany([
      { type: 'flaky', payload: null },
      { type: 'hopeless', payload: null },
      { type: 'nobody.handles', payload: null },
      { type: 'nobody.handles', payload: null },
    ]);
    const cancelled = await kyu.queue.enqueue('fine', 0, {
      scheduledAt: later,
    });
    await kyu.queue.enqueue('fine', 0, { scheduledAt: later });
    await kyu.queue.cancelJob(cancelled);
    await until('all to end', async () => {
      const open = await kyu.sql(
        `SELECT FROM jobs WHERE status IN ('running', 'failed') OR status = 'pending' AND job_type <> 'nobody.handles'`,
      );
      return open.length === 0;
    });
    const statuses = new Map(
      (
        await kyu.sql<{ status: string; count: number }>(
          'SELECT status, count(*)::int FROM jobs GROUP BY status',
        )
      ).map(({ status, count }) => [status, count]),
    );
    expect(Object.fromEntries(statuses)).toEqual({
      completed: 6,
      dead: 3,
      cancelled: 1,
      scheduled: 1,
      pending: 2,
    });
    const runs = new Map(
      (
        await kyu.sql<{ outcome: string; count: number }>(
          `SELECT run->>'outcome' AS outcome, count(*)::int FROM jobs AS job, jsonb_array_elements(${fullHistory('job')}) AS run GROUP BY 1`,
        )
      ).map(({ outcome, count }) => [outcome, count]),
    );

    // The event of the last settle comes a moment after its commit.
    const values = await until('the page to show the last run', async () => {
      const now = series(await scrape(kyu.app));
      return now.get('kyu_jobs_dead_total') === 3 ? now : undefined;
    });
    expect(values.get('kyu_jobs_total')).toBe(13);
    for (const status of ['completed', 'failed', 'dead'])
      expect(values.get(`kyu_jobs_processed_total{status="${status}"}`)).toBe(
        runs.get(status),
      );
    expect(values.get('kyu_job_failures_total{job_type="fails"}')).toBe(4);
    expect(values.get('kyu_job_failures_total{job_type="flaky"}')).toBe(2);
    expect(values.get('kyu_job_failures_total{job_type="hopeless"}')).toBe(1);
    expect(values.get('kyu_job_failures_total{job_type="fine"}')).toBe(0);
    expect(values.get('kyu_jobs_cancelled_total')).toBe(1);
    expect(values.get('kyu_queue_depth')).toBe(2); // pending, not scheduled
    expect(values.get('kyu_job_run_seconds_count{job_type="fine"}')).toBe(5);
  });

  it('counts a job that was cancelled while it ran as neither completed nor failed', async () => {
    const gate = new Gate();
    const kyu = await startKyu({ handlers: { slow: () => gate.wait() } });
    const settled = kyu.nextEvent('job.settled');
    const id = await kyu.queue.enqueue('slow', null);
    await until('the handler to run', () => gate.arrivals);
    await kyu.queue.cancelJob(id);
    gate.open();
    await settled;
    const values = series(await scrape(kyu.app));
    expect((await kyu.queue.inspect(id)).status).toBe('cancelled');
    expect(values.get('kyu_jobs_processed_total{status="cancelled"}')).toBe(1);
    expect(values.get('kyu_job_failures_total{job_type="slow"}')).toBe(0);
    expect(
      values.get('kyu_jobs_processed_total{status="completed"}') ?? 0,
    ).toBe(0);
  });

  it('shows nothing of payloads, errors, results or URLs', async () => {
    const kyu = await startKyu({
      handlers: {
        job: () => {
          throw new Error('token-in-error');
        },
      },
    });
    const settled = kyu.nextEvent('job.settled');
    await kyu.queue.enqueue('job', { secret: 'token-in-payload' });
    await settled;
    const page = await scrape(kyu.app);
    expect(page).toContain('job_type="job"');
    expect(page).not.toMatch(/token-in|postgres:|redis:/);
  });

  it('is private to its application', async () => {
    const a = await startKyu({ handlers });
    const b = await startKyu({ handlers });
    const settled = a.nextEvent('job.settled');
    await a.queue.enqueue('fine', null);
    await settled;
    expect(series(await scrape(a.app)).get('kyu_jobs_total')).toBe(1);
    expect(series(await scrape(b.app)).get('kyu_jobs_total')).toBe(0);
  });
});

describe('the metrics as providers', () => {
  it('are those of the page, for other providers to inject', async () => {
    @Injectable()
    class Watch {
      constructor(
        @Inject('PROM_METRIC_KYU_JOBS_TOTAL') readonly total: Counter,
      ) {}
    }
    const { app, queue } = await startKyu({ providers: [Watch] });
    await queue.enqueue('job', null);
    const { values } = await app.get(Watch).total.get();
    expect(values[0]!.value).toBe(1);
  });

  it('have the tokens of @willsoto/nestjs-prometheus', async () => {
    // It is CommonJS that requires ESM, which Jest cannot load on Node 20: a plain process can.
    const script = `
      const { getToken } = require('@willsoto/nestjs-prometheus');
      console.log(JSON.stringify(${JSON.stringify(METRIC_NAMES)}.map(getToken)));`;
    const { stdout } = await runNode(['-e', script]);
    expect(JSON.parse(stdout)).toEqual(METRIC_NAMES.map(metricToken));
  });
});
