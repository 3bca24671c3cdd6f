import { createServer, type AddressInfo, type Server } from 'node:net';
import {
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import {
  JobHandler,
  KyuModule,
  QueueService,
  type KyuOptions,
} from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { Test } from '@nestjs/testing';
import { bootApp, newGround } from '../support/boot-app.js';
import { Gate } from '../support/gate.js';
import { expectNoMoreThan, openHandles } from '../support/open-handles.js';
import { runJob } from '../support/run-job.js';

@Injectable()
class Jobs {
  @JobHandler('job')
  run(): string {
    return 'done';
  }
}

/** A port that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve()),
  );
  return (server.address() as AddressInfo).port;
}

describe('app.close() leaves nothing open', () => {
  const optionSets: Record<string, () => Promise<KyuOptions>> = {
    'with Redis': async () => ({}),
    'without Redis': async () => ({ redis: false }),
    'with a Redis that is not there': async () => ({
      redis: { url: `redis://127.0.0.1:${await closedPort()}` },
    }),
    'as a producer': async () => ({ mode: 'producer' }),
    'with a metrics server': async () => ({ metricsPort: await closedPort() }),
  };

  it.each(Object.keys(optionSets))('%s, five times in a row', async (name) => {
    const options = await optionSets[name]!();
    const ground = newGround();
    const boot = () =>
      bootApp({
        imports: [KyuModule.forRoot(ground.options(options))],
        providers: [Jobs],
      });
    await (await boot()).close(); // what the first boot loads stays loaded
    const before = await openHandles();
    for (let round = 0; round < 5; round++) {
      const app = await boot();
      if (options.mode === 'producer')
        await app.get(QueueService).enqueue('job', null);
      else expect((await runJob(app, 'job')).result).toBe('done');
      await app.close();
      await expectNoMoreThan(before);
    }
  });

  it('with a Redis that accepts and never answers', async () => {
    const silent = createServer((socket) =>
      socket.on('error', () => undefined).resume(),
    );
    const port = await listen(silent);
    try {
      const before = await openHandles();
      const app = await bootApp({
        imports: [
          KyuModule.forRoot(
            newGround().options({
              redis: { url: `redis://127.0.0.1:${port}` },
            }),
          ),
        ],
        providers: [Jobs],
      });
      expect((await runJob(app, 'job')).result).toBe('done');
      await app.close();
      await expectNoMoreThan(before);
    } finally {
      silent.close();
    }
  });

  it('with a scraper that keeps its connection open', async () => {
    const metricsPort = await closedPort();
    const before = await openHandles();
    const app = await bootApp({
      imports: [KyuModule.forRoot(newGround().options({ metricsPort }))],
    });
    const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
    expect(response.status).toBe(200);
    await response.text();
    await app.close();
    await expectNoMoreThan(before, 1_000);
  });

  it('with jobs scheduled for later and failed ones waiting for their retry', async () => {
    class Failing {
      @JobHandler('fails')
      run(): never {
        throw new Error('boom');
      }
    }
    const before = await openHandles();
    const app = await bootApp({
      imports: [KyuModule.forRoot(newGround().options())],
      providers: [Failing],
    });
    const later = new Date(Date.now() + 60_000);
    await app.get(QueueService).enqueue('fails', 1, { scheduledAt: later });
    await runJob(app, 'fails');
    await app.close();
    await expectNoMoreThan(before);
  });

  it('when a handler that ignores its signal was given back', async () => {
    const gate = new Gate();
    const before = await openHandles();
    const app = await bootApp(
      {
        imports: [KyuModule.forRoot(newGround().options({ drainTimeout: 50 }))],
      },
      (unbooted) =>
        unbooted.get(QueueService).register('stuck', () => gate.wait()),
    );
    await app.get(QueueService).enqueue('stuck', null, { timeout: '1h' });
    await until('the handler to run', () => gate.arrivals === 1);
    await app.close();
    try {
      // Its timeout is an hour: its timer would keep a process alive that long.
      await expectNoMoreThan(before);
    } finally {
      gate.open();
    }
  });

  it('when it is closed twice, or at once after the boot', async () => {
    const before = await openHandles();
    const app = await bootApp({
      imports: [KyuModule.forRoot(newGround().options())],
      providers: [Jobs],
    });
    await Promise.all([app.close(), app.close()]);
    await expectNoMoreThan(before);
  });
});

describe('a boot that fails leaves nothing open', () => {
  class Twin {
    @JobHandler('job')
    run(): void {}
  }
  const metadata = {
    'with two handlers for a type': () => ({
      imports: [KyuModule.forRoot(newGround().options())],
      providers: [Jobs, Twin],
    }),
    'with an unknown option': () => ({
      imports: [
        KyuModule.forRoot(newGround().options({ worker: 5 } as KyuOptions)),
      ],
    }),
    'with missing tables': () => ({
      imports: [
        KyuModule.forRoot(
          newGround().options({ postgres: { migrations: 'manual' } }),
        ),
      ],
    }),
    'with a Postgres that is not there': () => ({
      imports: [
        KyuModule.forRoot({
          postgres: { url: 'postgres://postgres@127.0.0.1:1/postgres' },
          metricsPort: 0,
        }),
      ],
    }),
    // Nest has made Kyu's providers by then, and calls no hook of theirs.
    'with a provider of the application that cannot be made': () => ({
      imports: [KyuModule.forRoot(newGround().options())],
      providers: [
        {
          provide: 'unmakable',
          inject: [QueueService],
          useFactory: () => {
            throw new Error('the application');
          },
        },
      ],
    }),
    'with an interceptor that cannot be made': () => {
      @Injectable()
      class Unmakable {
        constructor(readonly missing: Map<string, string>) {}
        intercept(_: ExecutionContext, next: CallHandler) {
          return next.handle();
        }
      }
      return {
        imports: [
          KyuModule.forRoot(newGround().options({ interceptors: [Unmakable] })),
        ],
      };
    },
  };

  it.each(Object.keys(metadata) as (keyof typeof metadata)[])(
    '%s',
    async (name) => {
      const before = await openHandles();
      await expect(bootApp(metadata[name]())).rejects.toThrow();
      await expectNoMoreThan(before);
    },
  );

  it('because of another module, once the application is closed', async () => {
    @Injectable()
    class Broken implements OnApplicationBootstrap {
      onApplicationBootstrap(): never {
        throw new Error('the other module');
      }
    }
    const before = await openHandles();
    const module = await Test.createTestingModule({
      imports: [KyuModule.forRoot(newGround().options())],
      providers: [Jobs, Broken],
    }).compile();
    const app = module.createNestApplication({ logger: false });
    await expect(app.init()).rejects.toThrow('the other module');
    await app.close();
    await expectNoMoreThan(before);
  });
});
