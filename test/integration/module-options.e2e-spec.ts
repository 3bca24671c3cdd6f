import {
  Controller,
  Get,
  Global,
  Injectable,
  Module,
  type INestApplication,
  type ModuleMetadata,
} from '@nestjs/common';
import { Interval, ScheduleModule } from '@nestjs/schedule';
import {
  KyuModule,
  kyuSchedule,
  QueueService,
  type KyuOptions,
  type KyuOptionsFactory,
} from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { bootApp, newGround } from '../support/boot-app.js';
import { runJob } from '../support/run-job.js';

const OPTIONS = Symbol('options');

/** Boots with the module and runs a job: so it got the options, the isolated queue among them. */
async function works(app: INestApplication): Promise<void> {
  app.get(QueueService).register('job', () => 'done');
  expect((await runJob(app, 'job')).result).toBe('done');
}

describe('forRootAsync', () => {
  const ground = () => {
    const options = newGround().options();
    @Global()
    @Module({
      providers: [{ provide: OPTIONS, useValue: options }],
      exports: [OPTIONS],
    })
    class OptionsModule {}
    return { options, OptionsModule };
  };

  it('takes useFactory with inject and imports, sync and async', async () => {
    for (const wait of [false, true]) {
      const { options } = ground();
      @Module({
        providers: [{ provide: OPTIONS, useValue: options }],
        exports: [OPTIONS],
      })
      class Local {}
      const app = await bootApp({
        imports: [
          KyuModule.forRootAsync({
            imports: [Local],
            inject: [OPTIONS],
            useFactory: (injected: KyuOptions) =>
              wait ? Promise.resolve(injected) : injected,
          }),
        ],
      });
      await works(app);
      const rows = await app.get(QueueService).deadJobs();
      expect(rows).toEqual([]);
    }
  });

  it('takes useClass, with dependencies', async () => {
    const { OptionsModule, options } = ground();
    @Injectable()
    class Factory implements KyuOptionsFactory {
      createKyuOptions(): KyuOptions {
        return options;
      }
    }
    const app = await bootApp({
      imports: [OptionsModule, KyuModule.forRootAsync({ useClass: Factory })],
    });
    await works(app);
  });

  it('takes useExisting', async () => {
    const { options } = ground();
    let made = 0;
    @Injectable()
    class Factory implements KyuOptionsFactory {
      constructor() {
        made++;
      }
      async createKyuOptions(): Promise<KyuOptions> {
        return options;
      }
    }
    @Module({ providers: [Factory], exports: [Factory] })
    class FactoryModule {}
    const app = await bootApp({
      imports: [
        KyuModule.forRootAsync({
          imports: [FactoryModule],
          useExisting: Factory,
        }),
      ],
    });
    await works(app);
    expect(made).toBe(1);
  });

  it('checks what the factory returns, as forRoot does', async () => {
    const boot = bootApp({
      imports: [
        KyuModule.forRootAsync({
          useFactory: () => ({ worker: 3 }) as KyuOptions,
        }),
      ],
    });
    await expect(boot).rejects.toThrow(
      /unknown option "worker", did you mean "workers"/,
    );
  });

  it('fails the boot with the error of the factory', async () => {
    const boot = bootApp({
      imports: [
        KyuModule.forRootAsync({
          useFactory: () => Promise.reject(new Error('no vault')),
        }),
      ],
    });
    await expect(boot).rejects.toThrow('no vault');
  });
});

describe('the route of the metrics in the application', () => {
  async function statusOf(
    metadata: ModuleMetadata,
    path: string,
    prepare?: (app: INestApplication) => void,
  ): Promise<[number, string]> {
    const app = await bootApp(metadata, prepare);
    await app.listen(0, '127.0.0.1');
    const response = await fetch(`${await app.getUrl()}${path}`);
    return [response.status, await response.text()];
  }
  const options = () => newGround().options();

  it('is /metrics', async () => {
    const [status, text] = await statusOf(
      { imports: [KyuModule.forRoot(options())] },
      '/metrics',
    );
    expect(status).toBe(200);
    expect(text).toContain('kyu_queue_depth 0');
  });

  it('may be another one, by forRoot and by forRootAsync', async () => {
    const byRoot = KyuModule.forRoot({ ...options(), metricsPath: 'ops/kyu' });
    expect((await statusOf({ imports: [byRoot] }, '/ops/kyu')).at(0)).toBe(200);
    const byAsync = KyuModule.forRootAsync({
      metricsPath: 'ops/kyu',
      useFactory: options,
    });
    expect((await statusOf({ imports: [byAsync] }, '/ops/kyu')).at(0)).toBe(
      200,
    );
  });

  it('is left out by metricsPath: false, so that the application may have its own', async () => {
    @Controller('metrics')
    class Own {
      @Get()
      own(): string {
        return 'my own';
      }
    }
    for (const kyu of [
      KyuModule.forRoot({ ...options(), metricsPath: false }),
      KyuModule.forRootAsync({ metricsPath: false, useFactory: options }),
    ]) {
      expect(await statusOf({ imports: [kyu] }, '/metrics')).toEqual([
        404,
        expect.anything(),
      ]);
      expect(
        await statusOf({ imports: [kyu], controllers: [Own] }, '/metrics'),
      ).toEqual([200, 'my own']);
    }
  });

  it('follows the global prefix', async () => {
    const [status] = await statusOf(
      { imports: [KyuModule.forRoot(options())] },
      '/api/metrics',
      (app) => app.setGlobalPrefix('api'),
    );
    expect(status).toBe(200);
  });
});

describe('@nestjs/schedule of the application', () => {
  const PERIOD_MS = 60;
  /** How often a second @Interval fires is told by how long six calls take. */
  async function interval(imports: ModuleMetadata['imports']) {
    const calls: number[] = [];
    @Injectable()
    class Clock {
      @Interval(PERIOD_MS)
      tick(): void {
        calls.push(performance.now());
      }
    }
    const ground = newGround();
    await bootApp({
      imports: [...imports!, KyuModule.forRoot(ground.options())],
      providers: [Clock],
    });
    await until('six calls', () => calls.length >= 6);
    return {
      took: calls[5]! - calls[0]!,
      warnings: ground.logger.messages('warn'),
    };
  }

  it.each([
    ['ScheduleModule.forRoot()', [ScheduleModule.forRoot()]],
    ['kyuSchedule', [kyuSchedule]],
    ['kyuSchedule twice', [kyuSchedule, kyuSchedule]],
    ['both', [kyuSchedule, ScheduleModule.forRoot()]],
  ])('runs each @Interval once when it imports %s', async (_, imports) => {
    const { took, warnings } = await interval(imports);
    expect(took).toBeGreaterThan(5 * PERIOD_MS * 0.8);
    expect(warnings).toEqual([]);
  });
});
