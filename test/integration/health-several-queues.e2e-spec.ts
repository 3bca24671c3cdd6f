import { Controller, Get, Injectable } from '@nestjs/common';
import {
  HealthCheck,
  HealthCheckService,
  TerminusModule,
} from '@nestjs/terminus';
import {
  getKyuHealthToken,
  InjectKyuHealth,
  KyuHealth,
  KyuModule,
} from '@kyu/nestjs';
import {
  InjectKyuHealthIndicator,
  kyuHealthIndicator,
  KyuHealthIndicator,
} from '@kyu/nestjs/terminus';
import { bootApp, newGround } from '../support/boot-app.js';

/** The default registration works, the named one only enqueues: so one is up, and the other degraded. */
function twoGrounds() {
  const [main, billing] = [newGround(), newGround()];
  return {
    main,
    billing,
    imports: [
      KyuModule.forRoot(main.options()),
      KyuModule.forRoot({
        name: 'billing',
        ...billing.options({ mode: 'producer' }),
      }),
    ],
  };
}

@Injectable()
class Probes {
  constructor(
    readonly main: KyuHealth,
    @InjectKyuHealth() readonly same: KyuHealth,
    @InjectKyuHealth('billing') readonly billing: KyuHealth,
  ) {}
}

describe('KyuHealth of two registrations', () => {
  it('is one each', async () => {
    const { main, billing, imports } = twoGrounds();
    const app = await bootApp({ imports, providers: [Probes] });
    const probes = app.get(Probes);
    expect(probes.same).toBe(probes.main);
    expect(app.get(KyuHealth)).toBe(probes.main);
    expect(app.get(getKyuHealthToken('billing'))).toBe(probes.billing);
    expect(await probes.main.check()).toMatchObject({
      status: 'up',
      queue: main.queueName,
      worker: 'working',
    });
    expect(await probes.billing.check()).toMatchObject({
      status: 'degraded',
      queue: billing.queueName,
      worker: 'none',
    });
  });

  it('that nobody registered does not boot: the error of Nest says what is missing', async () => {
    await expect(
      bootApp({
        imports: [KyuModule.forRoot(newGround().options())],
        providers: [Probes],
      }),
    ).rejects.toThrow(
      /"KyuHealth of KyuModule\.forRoot\({ name: 'billing' }\)" at index \[2\] is available/,
    );
  });
});

@Controller('health')
class HealthController {
  constructor(
    private readonly checks: HealthCheckService,
    private readonly main: KyuHealthIndicator,
    @InjectKyuHealthIndicator('billing')
    private readonly billing: KyuHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.checks.check([
      () => this.main.isHealthy('main'),
      () => this.billing.isHealthy('billing'),
    ]);
  }
}

describe('KyuHealthIndicator of two registrations', () => {
  it('is one each, in one answer', async () => {
    const { main, billing, imports } = twoGrounds();
    const app = await bootApp({
      imports: [...imports, TerminusModule.forRoot({ logger: false })],
      controllers: [HealthController],
      providers: [KyuHealthIndicator, kyuHealthIndicator('billing')],
    });
    await app.listen(0, '127.0.0.1');
    const response = await fetch(`${await app.getUrl()}/health`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      details: {
        main: { status: 'up', queue: main.queueName },
        billing: { status: 'degraded', queue: billing.queueName },
      },
    });
  });

  it('needs no default registration', async () => {
    const app = await bootApp({
      imports: [
        KyuModule.forRoot({ name: 'billing', ...newGround().options() }),
        TerminusModule.forRoot({ logger: false }),
      ],
      providers: [kyuHealthIndicator('billing')],
    });
    const indicator = app.get<KyuHealthIndicator>(
      kyuHealthIndicator('billing').provide,
    );
    expect(await indicator.isHealthy()).toMatchObject({
      kyu: { status: 'up' },
    });
  });
});
