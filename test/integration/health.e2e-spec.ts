import { Controller, Get, type INestApplication } from '@nestjs/common';
import {
  HealthCheck,
  HealthCheckService,
  TerminusModule,
} from '@nestjs/terminus';
import { InvalidOptionsError, KyuHealth } from '@kyu/nestjs';
import { KyuHealthIndicator } from '@kyu/nestjs/terminus';
import { until } from '@kyu/testing';
import { Client } from 'pg';
import { FaultProxy } from '../support/fault-proxy.js';
import { Gate } from '../support/gate.js';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

const proxies: FaultProxy[] = [];
afterEach(async () => {
  for (const proxy of proxies.splice(0)) await proxy.close();
});

async function proxyTo(url: string): Promise<FaultProxy> {
  const proxy = await FaultProxy.open(url);
  proxies.push(proxy);
  return proxy;
}

const healthOf = (kyu: TestKyu): KyuHealth => kyu.app.get(KyuHealth);

const insertWaiting = (kyu: TestKyu, priority: number, since: string) =>
  kyu.sql(
    `INSERT INTO jobs (id, job_type, queue, priority, scheduled_at)
     VALUES (gen_random_uuid(), 'work', $1, $2, now() - $3::interval)`,
    [kyu.queueName, priority, since],
  );

describe('KyuHealth', () => {
  it('says what is there when all is well', async () => {
    const kyu = await startKyu({ handlers: { work: () => 1 } });
    expect(await healthOf(kyu).check()).toEqual({
      status: 'up',
      live: true,
      ready: true,
      problems: [],
      warnings: [],
      queue: kyu.queueName,
      postgres: 'up',
      redis: 'up',
      worker: 'working',
      workersAlive: 1,
      schemaVersion: expect.stringMatching(/^Kyu\w+\d{13}$/) as string,
    });
    expect(kyu.logger.messages('warn')).toEqual([]);
  });

  it('knows an application without Redis and without workers', async () => {
    const kyu = await startKyu({ options: { mode: 'producer', redis: false } });
    expect(await healthOf(kyu).check()).toMatchObject({
      status: 'degraded',
      problems: [],
      warnings: ['No worker of this queue is alive.'],
      redis: 'off',
      worker: 'none',
      workersAlive: 0,
    });
  });

  it('is degraded without Redis, and up again with it', async () => {
    const proxy = await proxyTo(REDIS_URL);
    const kyu = await startKyu({ options: { redis: { url: proxy.url } } });
    const health = healthOf(kyu);
    expect(await health.check()).toMatchObject({ status: 'up', redis: 'up' });
    proxy.set('cut');
    expect(await health.check()).toMatchObject({
      status: 'degraded',
      redis: 'down',
      worker: 'working',
    });
    proxy.set('none');
    await until(
      'Redis to be back',
      async () => (await health.check()).redis === 'up',
    );
  });

  it('is down without Postgres, tells no address, and leaves the log to the two lines of the outage', async () => {
    const proxy = await proxyTo(POSTGRES_URL);
    const kyu = await startKyu({ options: { postgres: { url: proxy.url } } });
    const health = healthOf(kyu);
    proxy.set('cut');
    const reports = [await health.check(), await health.check()];
    for (const report of reports) {
      expect(report).toMatchObject({ status: 'down', postgres: 'down' });
      expect(report).not.toHaveProperty('workersAlive');
      expect(JSON.stringify(report)).not.toContain(new URL(proxy.url).port);
    }
    expect(kyu.logger.messages('error')).toEqual([
      expect.stringContaining('cannot be used'),
    ]);
    proxy.set('none');
    await until(
      'it to be up',
      async () => (await health.check()).status === 'up',
    );
    const ofHealth = [
      ...kyu.logger.messages('warn'),
      ...kyu.logger.messages('log'),
    ].filter((line) => line.startsWith('Health:'));
    expect(ofHealth).toEqual([]);
  });

  it('does not wait for a Postgres that has gone silent, and asks it once for all probes', async () => {
    let looks = 0;
    const proxy = await FaultProxy.open(POSTGRES_URL, {
      tap: (chunk) => {
        if (chunk.includes('kyu_health_')) looks++;
      },
    });
    proxies.push(proxy);
    const kyu = await startKyu({
      options: {
        postgres: { url: proxy.url, maxConnections: 2 },
        mode: 'producer',
      },
    });
    const health = healthOf(kyu);
    await health.check();
    expect(looks).toBeGreaterThan(0);
    looks = 0;
    proxy.set('deaf');
    const startedAt = performance.now();
    const reports = await Promise.all(
      Array.from({ length: 20 }, () => health.check({ timeout: 200 })),
    );
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(new Set(reports.map(({ status }) => status))).toEqual(
      new Set(['down']),
    );
    expect(looks).toBeLessThanOrEqual(1);
    proxy.set('cut'); // or the pool waits for its answer
  });

  it('I13 is red for a worker that is free and claims nothing while due work waits, and green when it claims again', async () => {
    const kyu = await startKyu({ handlers: { work: () => 1 } });
    const health = healthOf(kyu);
    const holder = new Client({ connectionString: POSTGRES_URL });
    await holder.connect();
    try {
      // A claim passes over a row that somebody holds: for the worker there is nothing to claim, for everyone else there is.
      await holder.query('BEGIN');
      await holder.query(
        `INSERT INTO "${kyu.schema}".kyu_jobs (id, job_type, queue) VALUES (gen_random_uuid(), 'work', $1)`,
        [kyu.queueName],
      );
      await holder.query('COMMIT; BEGIN');
      await holder.query(`SELECT 1 FROM "${kyu.schema}".kyu_jobs FOR UPDATE`);
      const red = await until(
        'it to be stuck',
        async () => {
          const report = await health.check();
          return report.worker === 'stuck' ? report : undefined;
        },
        15_000,
      );
      // Another session holds the row, and no restart of this process heals that.
      expect(red).toMatchObject({ status: 'down', ready: false, live: true });
      expect(red.problems).toEqual([
        expect.stringContaining('has claimed nothing') as string,
      ]);
      expect(red.oldestWaitingMs).toBeGreaterThanOrEqual(5_000);
    } finally {
      await holder.end();
    }
    await until(
      'it to be green',
      async () => (await health.check()).status === 'up',
      15_000,
    );
  });

  it('is green for a worker whose slots are all busy', async () => {
    const gate = new Gate();
    const kyu = await startKyu({
      handlers: { hold: () => gate.wait(), work: () => 1 },
      options: { workers: 1 },
    });
    await kyu.queue.enqueue('hold', null);
    await until('the slot to be taken', () => gate.arrivals);
    await insertWaiting(kyu, 0, '1 hour');
    expect(await healthOf(kyu).check()).toMatchObject({
      status: 'up',
      worker: 'working',
    });
    gate.open();
  });

  it('is ready with a worker that has nothing to do with what waits', async () => {
    const kyu = await startKyu({ handlers: { other: () => 1 } });
    await insertWaiting(kyu, 0, '1 hour');
    expect(await healthOf(kyu).check()).toMatchObject({
      status: 'degraded',
      ready: true,
      worker: 'working',
      oldestWaitingMs: expect.any(Number) as number,
    });
  });

  it('finds the job that waits longest, whatever its priority, and holds it against the limit', async () => {
    const kyu = await startKyu({ options: { mode: 'producer' } });
    await insertWaiting(kyu, 100, '1 minute');
    await insertWaiting(kyu, -7, '1 hour');
    await insertWaiting(kyu, 0, '2 minutes');
    const health = healthOf(kyu);
    const report = await health.check({ maxWaiting: '2h' });
    expect(report.status).toBe('degraded'); // no worker
    expect(report.oldestWaitingMs! / 3_600_000).toBeCloseTo(1, 1);
    expect(await health.check({ maxWaiting: '59m' })).toMatchObject({
      status: 'degraded',
      problems: [],
      warnings: [
        expect.stringContaining('the limit is 3540000') as string,
        expect.anything(),
      ],
    });
  });

  it('is down when the tables are older than this version', async () => {
    const kyu = await startKyu();
    await kyu.sql(`DELETE FROM "${kyu.schema}".kyu_migrations`);
    expect(await healthOf(kyu).check()).toMatchObject({
      status: 'down',
      problems: [expect.stringContaining('The tables lack') as string],
    });
  });

  it.each([{ maxWaiting: 'long' as '1s' }, { timeout: -1 }])(
    'refuses %j',
    async (limits) => {
      const kyu = await startKyu({ options: { mode: 'producer' } });
      await expect(healthOf(kyu).check(limits)).rejects.toBeInstanceOf(
        InvalidOptionsError,
      );
    },
  );
});

describe('KyuHealthIndicator', () => {
  @Controller('health')
  class HealthController {
    constructor(
      private readonly checks: HealthCheckService,
      private readonly kyu: KyuHealthIndicator,
    ) {}

    @Get()
    @HealthCheck()
    check() {
      return this.checks.check([
        () => this.kyu.isHealthy('jobs', { maxWaiting: '10m' }),
      ]);
    }
  }

  const start = (options: object): Promise<TestKyu> =>
    startKyu({
      imports: [TerminusModule.forRoot({ logger: false })],
      controllers: [HealthController],
      providers: [KyuHealthIndicator],
      options,
    });

  async function ask(
    app: INestApplication,
  ): Promise<{ code: number; body: unknown }> {
    await app.listen(0, '127.0.0.1');
    const response = await fetch(`${await app.getUrl()}/health`);
    return { code: response.status, body: await response.json() };
  }

  it('is up, with the details', async () => {
    const kyu = await start({});
    expect(await ask(kyu.app)).toMatchObject({
      code: 200,
      body: { status: 'ok', info: { jobs: { status: 'up', workersAlive: 1 } } },
    });
  });

  it('answers 200 for degraded, and says so', async () => {
    const kyu = await start({ mode: 'producer' });
    expect(await ask(kyu.app)).toMatchObject({
      code: 200,
      body: { details: { jobs: { status: 'degraded' } } },
    });
  });

  it('answers 503 for down', async () => {
    const kyu = await start({ mode: 'producer' });
    await kyu.sql(`DELETE FROM "${kyu.schema}".kyu_migrations`);
    expect(await ask(kyu.app)).toMatchObject({
      code: 503,
      body: { error: { jobs: { status: 'down', postgres: 'up' } } },
    });
  });
});
