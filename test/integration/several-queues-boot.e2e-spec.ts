import { Injectable, type ModuleMetadata } from '@nestjs/common';
import {
  defineJob,
  InjectQueue,
  InvalidOptionsError,
  JobHandler,
  JobQueue,
  KyuModule,
  QueueService,
  type KyuOptions,
} from '@kyu/nestjs';
import { bootApp, newGround } from '../support/boot-app.js';

const options = (more?: KyuOptions): KyuOptions => newGround().options(more);

const refusal = async (metadata: ModuleMetadata): Promise<string> => {
  const error: unknown = await bootApp(metadata).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(InvalidOptionsError);
  return (error as Error).message;
};

@Injectable()
class Unbound {
  @JobHandler('mail')
  mail(): void {}
}

@JobQueue('biling')
@Injectable()
class Misspelt {
  @JobHandler('charge')
  charge(): void {}
}

describe('registrations that are wrong together do not boot', () => {
  it('for one name twice', async () => {
    expect(
      await refusal({
        imports: [
          KyuModule.forRoot({ name: 'billing', ...options() }),
          KyuModule.forRoot({ name: 'billing', ...options() }),
        ],
      }),
    ).toContain(
      "KyuModule is registered twice with the name 'billing'; give one of them another name, or remove it",
    );
  });

  it('for one queueName on one server', async () => {
    const queueName = newGround().queueName;
    expect(
      await refusal({
        imports: [
          KyuModule.forRoot(options({ queueName })),
          KyuModule.forRoot({ name: 'billing', ...options({ queueName }) }),
        ],
      }),
    ).toContain(
      `the default registration and 'billing' have the same queueName "${queueName}" on one server`,
    );
  });

  it('for one metricsPath', async () => {
    expect(
      await refusal({
        imports: [
          KyuModule.forRoot(options()),
          KyuModule.forRoot({
            name: 'billing',
            metricsPath: 'metrics',
            ...options(),
          }),
        ],
      }),
    ).toContain('have the same metricsPath "metrics"');
  });

  it('for a name that is none', async () => {
    expect(
      await refusal({
        imports: [KyuModule.forRoot({ name: 'my billing', ...options() })],
      }),
    ).toContain(`expected "name" to be a name such as 'billing'`);
  });

  it('for a name that comes from the factory', async () => {
    expect(
      await refusal({
        imports: [
          KyuModule.forRootAsync({
            useFactory: () => ({ name: 'billing' }) as KyuOptions,
          }),
        ],
      }),
    ).toContain('give it to forRoot() or forRootAsync() itself, beside');
  });
});

describe('a handler whose queue nobody registered does not boot', () => {
  it('and is told of the registered ones, and of the one that was meant', async () => {
    const message = await refusal({
      imports: [
        KyuModule.forRoot(options()),
        KyuModule.forRoot({ name: 'billing', ...options() }),
      ],
      providers: [Misspelt],
    });
    expect(message).toContain('Misspelt.charge (RootTestModule)');
    expect(message).toContain("is for the queue 'biling', which is not");
    expect(message).toContain("did you mean 'billing'?");
    expect(message).toContain("(registered: the default one, 'billing')");
  });

  it('nor one that contradicts its definition', async () => {
    @Injectable()
    class Torn {
      @JobHandler(defineJob('charge', { queue: 'billing' }), { queue: 'main' })
      charge(): void {}
    }
    const message = await refusal({
      imports: [KyuModule.forRoot({ name: 'billing', ...options() })],
      providers: [Torn],
    });
    expect(message).toContain(
      `Torn.charge (RootTestModule) is for the queue 'main', and the definition of "charge" is for 'billing'`,
    );
  });

  it('nor one without a queue where all registrations have names', async () => {
    const message = await refusal({
      imports: [KyuModule.forRoot({ name: 'billing', ...options() })],
      providers: [Unbound],
    });
    expect(message).toContain('Unbound.mail (RootTestModule) has no queue');
    expect(message).toContain("say @JobQueue('billing') on its class");
  });

  it('nor does @InjectQueue() of one: the error of Nest says what is missing', async () => {
    @Injectable()
    class Desk {
      constructor(@InjectQueue('billing') readonly queue: QueueService) {}
    }
    await expect(bootApp({ providers: [Desk] })).rejects.toThrow(
      /"QueueService of KyuModule\.forRoot\({ name: 'billing' }\)" at index \[0\] is available/,
    );
  });
});

describe('the mode of each registration', () => {
  const saved = { ...process.env };
  afterEach(() => {
    for (const name of ['KYU_MODE', 'KYU_MODE_BILLING'])
      if (saved[name] === undefined) delete process.env[name];
      else process.env[name] = saved[name];
  });

  /** Which of them are in their registry of workers. */
  async function workers(more?: KyuOptions): Promise<string[]> {
    const [main, billing] = [newGround(), newGround()];
    await bootApp({
      imports: [
        KyuModule.forRoot(main.options()),
        KyuModule.forRoot({ name: 'billing', ...billing.options(more) }),
      ],
    });
    const works = [];
    if ((await main.sql('SELECT FROM workers')).length > 0) works.push('main');
    if ((await billing.sql('SELECT FROM workers')).length > 0)
      works.push('billing');
    return works;
  }

  it('comes from its option', async () => {
    expect(await workers({ mode: 'producer' })).toEqual(['main']);
  });

  it('comes from KYU_MODE for all that say nothing', async () => {
    process.env.KYU_MODE = 'producer';
    expect(await workers()).toEqual([]);
    expect(await workers({ mode: 'worker' })).toEqual(['billing']);
  });

  it('comes from a variable with its name, before KYU_MODE', async () => {
    process.env.KYU_MODE = 'producer';
    process.env.KYU_MODE_BILLING = 'worker';
    expect(await workers()).toEqual(['billing']);
  });
});
