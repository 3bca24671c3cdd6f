import { AsyncLocalStorage } from 'node:async_hooks';
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
import {
  EMPTY,
  Observable,
  catchError,
  map,
  of,
  retry,
  throwError,
} from 'rxjs';
import { bootApp, newGround } from '../support/boot-app.js';
import { Recorder } from '../support/recorder.js';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

/** An interceptor of one function. */
const around = (intercept: NestInterceptor['intercept']): NestInterceptor => ({
  intercept,
});

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
    const { app } = await startKyu({
      providers: [Audit],
      options: { interceptors: [Auditing] },
      handlers,
    });
    await runJob(app, 'job');
    expect(app.get(Audit).types).toEqual(['job']);
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

describe.each([
  ['for all jobs', 'root'],
  ['on the method', 'method'],
] as const)('an interceptor %s', (_, level) => {
  let runs = 0;
  async function runAround(
    interceptor: NestInterceptor,
    handler: (payload: unknown, job: JobContext) => unknown,
  ) {
    class Jobs {
      @JobHandler('job')
      @UseInterceptors(...(level === 'method' ? [interceptor] : []))
      run(payload: unknown, job: JobContext): unknown {
        runs++;
        return handler(payload, job);
      }
    }
    runs = 0;
    const { app } = await startKyu({
      providers: [Jobs],
      options: { interceptors: level === 'root' ? [interceptor] : [] },
    });
    return runJob(app, 'job', { n: 1 });
  }

  it('may change the result', async () => {
    const job = await runAround(
      around((_, next) => next.handle().pipe(map((n) => Number(n) + 1))),
      () => 41,
    );
    expect(job).toMatchObject({ status: 'completed', result: 42 });
  });

  it('may swallow an error', async () => {
    const job = await runAround(
      around((_, next) => next.handle().pipe(catchError(() => of('calm')))),
      () => {
        throw new Error('boom');
      },
    );
    expect(job).toMatchObject({ status: 'completed', result: 'calm' });
  });

  it('may replace an error', async () => {
    const job = await runAround(
      around((_, next) =>
        next
          .handle()
          .pipe(catchError(() => throwError(() => new Error('another')))),
      ),
      () => {
        throw new Error('boom');
      },
    );
    expect(job).toMatchObject({ status: 'failed', errorMessage: 'another' });
  });

  it('may run the handler again by retry(), within the one run of the job', async () => {
    const job = await runAround(
      around((_, next) => next.handle().pipe(retry(2))),
      () => {
        if (runs < 3) throw new Error(`run ${runs}`);
        return runs;
      },
    );
    expect(job).toMatchObject({
      status: 'completed',
      result: 3,
      retryCount: 0,
    });
    expect(job.history).toHaveLength(1);
  });

  it('may leave the handler out', async () => {
    const job = await runAround(
      around(() => of('from a cache')),
      () => 'handler',
    );
    expect(runs).toBe(0);
    expect(job).toMatchObject({ status: 'completed', result: 'from a cache' });
  });

  it.each<[string, NestInterceptor['intercept'], string]>([
    [
      'throws',
      () => {
        throw new Error('boom');
      },
      'boom',
    ],
    ['rejects', () => Promise.reject(new Error('boom')), 'boom'],
    ['emits nothing', () => EMPTY, 'no elements in sequence'],
  ])('that %s fails the job, not the process', async (_, intercept, error) => {
    const job = await runAround(around(intercept), () => 1);
    expect(job).toMatchObject({ status: 'failed', errorMessage: error });
  });

  it('may be asynchronous', async () => {
    const job = await runAround(
      around(async (_, next) => {
        await new Promise(setImmediate);
        return next.handle();
      }),
      () => 'there',
    );
    expect(job.result).toBe('there');
  });

  it('may open an AsyncLocalStorage that reaches the handler, through its awaits', async () => {
    const storage = new AsyncLocalStorage<string>();
    const job = await runAround(
      around(
        (_, next) =>
          new Observable((subscriber) =>
            storage.run('inside', () => next.handle().subscribe(subscriber)),
          ),
      ),
      async () => {
        const before = storage.getStore();
        await new Promise(setImmediate);
        return [before, storage.getStore()];
      },
    );
    expect(job.result).toEqual(['inside', 'inside']);
    expect(storage.getStore()).toBeUndefined();
  });

  it('may open an AsyncLocalStorage around handle()', async () => {
    const storage = new AsyncLocalStorage<string>();
    const job = await runAround(
      around((_, next) => storage.run('inside', () => next.handle())),
      () => storage.getStore() ?? 'lost',
    );
    expect(job.result).toBe('inside');
  });
});
