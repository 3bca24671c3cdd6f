import { Controller, Get } from '@nestjs/common';
import {
  HealthCheck,
  HealthCheckService,
  TerminusModule,
} from '@nestjs/terminus';
import { KyuHealth } from '@kyu/nestjs';
import { KyuHealthIndicator } from '@kyu/nestjs/terminus';
import { until } from '@kyu/testing';
import { FaultProxy } from '../support/fault-proxy.js';
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

const check = (kyu: TestKyu, limits = {}) =>
  kyu.app.get(KyuHealth).check(limits);

/** A job that has been due for an hour. */
async function insertOld(
  kyu: TestKyu,
  jobType: string,
  more: { claimToken?: number } = {},
): Promise<string> {
  const [row] = await kyu.sql<{ id: string }>(
    `INSERT INTO jobs (id, job_type, queue, scheduled_at, claim_token)
     VALUES (gen_random_uuid(), $1, $2, now() - interval '1 hour', $3) RETURNING id`,
    [jobType, kyu.queueName, more.claimToken ?? 0],
  );
  return row!.id;
}

describe('field 24: a job that no process can run', () => {
  it('turns no process red, and the warning names its type and its id', async () => {
    const worker = await startKyu({ handlers: { send_email: () => 1 } });
    const producer = await startKyu({
      beside: worker,
      options: { mode: 'producer' },
    });
    const id = await insertOld(worker, 'sned_email');
    for (const kyu of [worker, producer]) {
      const report = await check(kyu, { maxWaiting: '10m' });
      expect(report).toMatchObject({
        status: 'degraded',
        live: true,
        ready: true,
        problems: [],
      });
      expect(report.warnings).toEqual([
        expect.stringMatching(
          new RegExp(`${id} of type "sned_email".*limit is 600000 ms`),
        ),
        expect.stringMatching(
          new RegExp(`No live worker.*${id} of type "sned_email"`),
        ),
      ]);
    }
  });

  it('is named without a limit, too', async () => {
    const kyu = await startKyu({ handlers: { send_email: () => 1 } });
    const id = await insertOld(kyu, 'sned_email');
    const { status, warnings } = await check(kyu);
    expect(status).toBe('degraded');
    expect(warnings).toEqual([expect.stringContaining(id) as string]);
  });

  it('is logged once, however often the check runs and whichever job is the oldest', async () => {
    const kyu = await startKyu({ handlers: { send_email: () => 1 } });
    for (let n = 0; n < 3; n++) {
      const id = await insertOld(kyu, 'sned_email');
      await check(kyu, { maxWaiting: '10m' });
      await kyu.sql('DELETE FROM jobs WHERE id = $1', [id]);
    }
    const told = kyu.logger
      .messages('warn')
      .filter((line) => line.startsWith('Health:'));
    expect(told).toHaveLength(1);
  });
});

describe('field 24: a worker that has claimed nothing for 5 s', () => {
  it('is live when no claim takes the due job, and not live when it could have claimed', async () => {
    const [unclaimable, lazy] = [
      await startKyu({ handlers: { work: () => 1 } }),
      await startKyu({ handlers: { work: () => 1 } }),
    ];
    // The end of `integer`: a claim passes it over, for ever.
    await insertOld(unclaimable, 'work', { claimToken: 2_147_483_647 });
    // Each claim of this one comes back with nothing, as if the claimer had a fault.
    await lazy.sql(
      `CREATE FUNCTION "${lazy.schema}".lazy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
       CREATE TRIGGER lazy BEFORE UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION "${lazy.schema}".lazy()`,
    );
    const due = await insertOld(lazy, 'work');
    const stuck = await until(
      'the worker to be stuck',
      async () => {
        const report = await check(lazy);
        return report.worker === 'stuck' ? report : undefined;
      },
      15_000,
    );
    expect(stuck).toMatchObject({
      status: 'down',
      live: false,
      ready: false,
      problems: [
        expect.stringMatching(
          new RegExp(`claimed nothing.*${due} of type "work"`),
        ) as string,
      ],
    });
    expect(await check(unclaimable)).toMatchObject({
      live: true,
      ready: true,
      worker: 'working',
    });
  });
});

describe('field 24: live and ready', () => {
  it('without PostgreSQL nothing can be served, and no restart heals it', async () => {
    const proxy = await proxyTo(POSTGRES_URL);
    const kyu = await startKyu({
      options: { mode: 'producer', postgres: { url: proxy.url } },
    });
    proxy.set('cut');
    const report = await check(kyu);
    expect(report).toMatchObject({
      status: 'down',
      live: true,
      ready: false,
      problems: [expect.stringMatching(/^PostgreSQL/) as string],
      warnings: [],
    });
  });

  it('without Redis all is served', async () => {
    const proxy = await proxyTo(REDIS_URL);
    const kyu = await startKyu({ options: { redis: { url: proxy.url } } });
    proxy.set('cut');
    expect(await check(kyu)).toMatchObject({
      status: 'degraded',
      live: true,
      ready: true,
      problems: [],
      warnings: [expect.stringMatching(/^Redis/) as string],
    });
  });
});

describe('field 24: Terminus', () => {
  @Controller('health')
  class HealthController {
    constructor(
      private readonly checks: HealthCheckService,
      private readonly kyu: KyuHealthIndicator,
    ) {}

    @Get('live')
    @HealthCheck()
    live() {
      return this.checks.check([() => this.kyu.isLive()]);
    }

    @Get('ready')
    @HealthCheck()
    ready() {
      return this.checks.check([() => this.kyu.isHealthy()]);
    }
  }

  it('has a probe for each: without PostgreSQL 200 for live, 503 for ready', async () => {
    const proxy = await proxyTo(POSTGRES_URL);
    const { app } = await startKyu({
      imports: [TerminusModule.forRoot({ logger: false })],
      controllers: [HealthController],
      providers: [KyuHealthIndicator],
      options: { mode: 'producer', postgres: { url: proxy.url } },
    });
    await app.listen(0, '127.0.0.1');
    proxy.set('cut');
    const ask = async (probe: string) => {
      const response = await fetch(`${await app.getUrl()}/health/${probe}`);
      return { code: response.status, body: await response.json() };
    };
    expect(await ask('live')).toMatchObject({
      code: 200,
      body: { details: { kyu: { ready: false } } },
    });
    expect(await ask('ready')).toMatchObject({
      code: 503,
      body: { error: { kyu: { status: 'down', postgres: 'down' } } },
    });
  });
});
