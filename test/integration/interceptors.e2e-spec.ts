import {
  Global,
  Injectable,
  Module,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import {
  JobContext,
  JobHandler,
  KyuModule,
  QueueService,
  type JobHandlerFunction,
} from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { bootApp, newGround } from '../support/boot-app.js';
import { Recorder } from '../support/recorder.js';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

describe('the order of interceptors', () => {
  it('is forRoot, use(), class, method; the first registered outermost', async () => {
    const lines: string[] = [];
    const recorder = (name: string): Recorder => new Recorder(name, lines);
    @UseInterceptors(recorder('class 1'), recorder('class 2'))
    class Jobs {
      @JobHandler('ordered')
      @UseInterceptors(recorder('method 1'), recorder('method 2'))
      run(): void {
        lines.push('handler');
      }
    }
    const { app, queue } = await startKyu({
      providers: [Jobs],
      options: { interceptors: [recorder('root 1'), recorder('root 2')] },
    });
    queue.use(recorder('use 1'));
    queue.use(recorder('use 2'));
    await runJob(app, 'ordered');
    const names = ['root', 'use', 'class', 'method'].flatMap((name) => [
      `${name} 1`,
      `${name} 2`,
    ]);
    expect(lines).toEqual([
      ...names.map((name) => `> ${name}`),
      'handler',
      ...names.toReversed().map((name) => `< ${name}`),
    ]);
  });

  it('is the same when use() comes before the boot', async () => {
    const lines: string[] = [];
    const ground = newGround();
    const app = await bootApp(
      {
        imports: [
          KyuModule.forRoot(
            ground.options({ interceptors: [new Recorder('root', lines)] }),
          ),
        ],
      },
      (unbooted) => {
        const queue = unbooted.get(QueueService);
        queue.register('job', () => undefined);
        queue.use(new Recorder('use', lines));
      },
    );
    await runJob(app, 'job');
    expect(lines).toEqual(['> root', '> use', '< use', '< root']);
  });

  it('holds around registered functions, inherited methods and scoped handlers alike', async () => {
    const lines: string[] = [];
    @UseInterceptors(new Recorder('class', lines))
    class Base {
      @JobHandler('inherited')
      @UseInterceptors(new Recorder('method', lines))
      run(): void {}
    }
    @Injectable()
    class Child extends Base {}
    const { app } = await startKyu({
      providers: [Child],
      handlers: { registered: () => undefined },
      options: { interceptors: [new Recorder('root', lines)] },
    });
    await runJob(app, 'inherited');
    expect(lines.slice(0, 3)).toEqual(['> root', '> class', '> method']);
    lines.length = 0;
    await runJob(app, 'registered');
    expect(lines).toEqual(['> root', '< root']);
  });
});

describe('an interceptor class in forRoot({ interceptors })', () => {
  @Injectable()
  class Audit {
    readonly types: string[] = [];
  }
  @Injectable()
  class Auditing implements NestInterceptor {
    constructor(private readonly audit: Audit) {}
    intercept(context: ExecutionContext, next: CallHandler) {
      this.audit.types.push(context.getArgByIndex<JobContext>(1).type);
      return next.handle();
    }
  }
  const handlers: Record<string, JobHandlerFunction<never>> = {
    job: () => undefined,
  };

  it('gets dependencies of a global module', async () => {
    @Global()
    @Module({ providers: [Audit], exports: [Audit] })
    class AuditModule {}
    const { app } = await startKyu({
      imports: [AuditModule],
      options: { interceptors: [Auditing] },
      handlers,
    });
    await runJob(app, 'job');
    expect(app.get(Audit).types).toEqual(['job']);
  });

  it('gets dependencies of the module that imports KyuModule', async () => {
    const options = newGround().options({ interceptors: [Auditing] });
    const app = await bootApp(
      { imports: [KyuModule.forRoot(options)], providers: [Audit] },
      (unbooted) => unbooted.get(QueueService).register('job', handlers.job!),
    );
    await runJob(app, 'job');
    expect(app.get(Audit).types).toEqual(['job']);
  });

  it('gets them when that module is not the root, as in a test of the whole application', async () => {
    const options = newGround().options({ interceptors: [Auditing] });
    @Module({ imports: [KyuModule.forRoot(options)], providers: [Audit] })
    class AppModule {}
    const app = await bootApp({ imports: [AppModule] }, (unbooted) =>
      unbooted.get(QueueService).register('job', handlers.job!),
    );
    await runJob(app, 'job');
    expect(app.get(Audit).types).toEqual(['job']);
  });

  it('stops the boot with its own error when its constructor throws, made once', async () => {
    let made = 0;
    @Injectable()
    class Broken implements NestInterceptor {
      constructor() {
        made++;
        throw new Error('no auditor');
      }
      intercept(_: ExecutionContext, next: CallHandler) {
        return next.handle();
      }
    }
    const options = newGround().options({ interceptors: [Broken] });
    await expect(
      bootApp({ imports: [KyuModule.forRoot(options)] }),
    ).rejects.toThrow('no auditor');
    expect(made).toBe(1);
  });

  it('stops the boot when nobody has its dependencies', async () => {
    const options = newGround().options({ interceptors: [Auditing] });
    await expect(
      bootApp({ imports: [KyuModule.forRoot(options)] }),
    ).rejects.toThrow(/dependencies of the Auditing .* KyuModule/);
  });

  it('gets dependencies of the modules that forRootAsync imports', async () => {
    @Module({ providers: [Audit], exports: [Audit] })
    class AuditModule {}
    const ground = newGround();
    const app = await bootApp({
      imports: [
        KyuModule.forRootAsync({
          imports: [AuditModule],
          useFactory: () => ground.options({ interceptors: [Auditing] }),
        }),
      ],
    });
    app.get(QueueService).register('job', () => undefined);
    await runJob(app, 'job');
    expect(app.get(Audit).types).toEqual(['job']);
  });

  it('is the instance that the application has, when it provides the class itself', async () => {
    @Injectable()
    class Counting implements NestInterceptor {
      count = 0;
      intercept(_: ExecutionContext, next: CallHandler) {
        this.count++;
        return next.handle();
      }
    }
    @Global()
    @Module({ providers: [Counting], exports: [Counting] })
    class CountingModule {}
    const { app } = await startKyu({
      imports: [CountingModule],
      options: { interceptors: [Counting] },
      handlers,
    });
    await runJob(app, 'job');
    expect(app.get(Counting).count).toBe(1);
  });
});

describe('use() while jobs run', () => {
  it('changes the runs that begin later, not those under way', async () => {
    const lines: string[] = [];
    let release: () => void = () => undefined;
    const kyu = await startKyu({
      options: { interceptors: [new Recorder('root', lines)] },
      handlers: {
        slow: () => new Promise<void>((resolve) => (release = resolve)),
        next: () => undefined,
      },
    });
    const slow = runJob(kyu.app, 'slow');
    await until('the handler to run', () => lines.length === 1);
    kyu.queue.use(new Recorder('late', lines));
    await runJob(kyu.app, 'next');
    expect(lines).toEqual(['> root', '> root', '> late', '< late', '< root']);
    release();
    await slow;
    expect(lines.slice(5)).toEqual(['< root']);
  });

  it('and register() likewise: a run keeps the handler it began with', async () => {
    let release: (result: string) => void = () => undefined;
    const { app, queue } = await startKyu({
      handlers: {
        job: () => new Promise<string>((resolve) => (release = resolve)),
      },
    });
    const waiting = release;
    const first = runJob(app, 'job');
    await until('the handler to run', () => release !== waiting);
    queue.register('job', () => 'new');
    expect((await runJob(app, 'job')).result).toBe('new');
    release('old');
    expect((await first).result).toBe('old');
  });
});
