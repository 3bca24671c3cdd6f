import type { INestApplication } from '@nestjs/common';
import { KyuModule } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { DataSource } from 'typeorm';
import { bootApp, newGround } from '../support/boot-app.js';
import { freePort, takePort } from '../support/free-port.js';
import { POSTGRES_URL } from '../support/servers.js';
import { startKyu } from '../support/start-kyu.js';

async function scrape(app: INestApplication): Promise<string> {
  if (!app.getHttpServer().listening) await app.listen(0, '127.0.0.1');
  return (await fetch(`${await app.getUrl()}/metrics`)).text();
}

describe('field 08: metricsPort', () => {
  const boot = async (metricsPort: number) => {
    const ground = newGround();
    await bootApp({
      imports: [
        KyuModule.forRoot(
          ground.options({ metricsPort, mode: 'producer', redis: false }),
        ),
      ],
    });
    return ground.logger;
  };
  const at = (port: number): string => `http://127.0.0.1:${port}/metrics`;

  it('that was busy at boot is tried again: said once, and once when it works', async () => {
    const { port, server } = await takePort();
    const logger = await boot(port);
    server.close();
    await until(
      'the page to be served',
      async () => (await fetch(at(port)).catch(() => undefined))?.ok,
    );
    expect(logger.messages('warn')).toEqual([
      expect.stringMatching(new RegExp(`port ${port}.*tried again`)),
    ]);
    expect(
      logger.messages('log').filter((line) => line.includes(`${port}`)),
    ).toEqual([expect.stringMatching(/Metrics are served on port/)]);
  });

  it('answers HEAD with 200 and without a body', async () => {
    const port = await freePort();
    await boot(port);
    const response = await fetch(at(port), { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
  });

  it('refuses a request that a proxy has forwarded', async () => {
    const port = await freePort();
    await boot(port);
    const response = await fetch(at(port), {
      headers: { 'x-forwarded-for': '203.0.113.7' },
    });
    expect(response.status).toBe(403);
    expect(await response.text()).toContain('metricsAccess');
  });
});

describe('field 08: a series begins at 0', () => {
  it('for each registered type, one registered at run time too, and for each status', async () => {
    const kyu = await startKyu({ handlers: { early: () => 1 } });
    const zeros = (type: string) => [
      `kyu_job_failures_total{job_type="${type}"} 0`,
      `kyu_job_wait_seconds_count{job_type="${type}"} 0`,
      `kyu_job_run_seconds_count{job_type="${type}"} 0`,
    ];
    const before = (await scrape(kyu.app)).split('\n');
    expect(before).toEqual(expect.arrayContaining(zeros('early')) as string[]);
    for (const status of ['completed', 'failed', 'dead', 'cancelled'])
      expect(before).toContain(
        `kyu_jobs_processed_total{status="${status}"} 0`,
      );
    kyu.queue.register('late', () => 1);
    const after = (await scrape(kyu.app)).split('\n');
    expect(after).toEqual(expect.arrayContaining(zeros('late')) as string[]);
  });

  it('and counts on from there', async () => {
    const kyu = await startKyu({
      handlers: {
        fails: () => {
          throw new Error('boom');
        },
      },
    });
    await scrape(kyu.app);
    const settled = kyu.nextEvent('job.settled');
    await kyu.queue.enqueue('fails', null, { maxRetries: 0 });
    await settled;
    const page = await scrape(kyu.app);
    expect(page).toContain('kyu_job_failures_total{job_type="fails"} 1\n');
    expect(page).toContain('kyu_job_run_seconds_count{job_type="fails"} 1\n');
  });
});

describe('field 08: the wait', () => {
  it('has buckets below 5 ms', async () => {
    const kyu = await startKyu({ handlers: { work: () => 1 } });
    const page = await scrape(kyu.app);
    for (const bound of ['0.0005', '0.001', '0.0025', '0.005'])
      expect(page).toContain(
        `kyu_job_wait_seconds_bucket{le="${bound}",job_type="work"} 0`,
      );
  });

  it("of a transactional enqueue is without what the caller's transaction did before", async () => {
    const kyu = await startKyu({ handlers: { work: () => 1 } });
    const source = await new DataSource({
      type: 'postgres',
      url: POSTGRES_URL,
    }).initialize();
    try {
      const claimed = kyu.nextEvent('job.claimed');
      const id = await source.transaction(async (manager) => {
        await manager.query('SELECT pg_sleep(1.5)');
        return kyu.queue.enqueue('work', null, { manager });
      });
      expect((await claimed).waitedMs).toBeLessThan(1_000);
      const job = await kyu.queue.inspect(id);
      expect(job.scheduledAt).toEqual(job.createdAt);
    } finally {
      await source.destroy();
    }
  });
});
