import { jest } from '@jest/globals';
import {
  Injectable,
  Module,
  type DynamicModule,
  type LoggerService,
  type ModuleMetadata,
  type Type,
} from '@nestjs/common';
import {
  InjectKyuHealth,
  InjectQueue,
  InvalidOptionsError,
  JobHandler,
  JobQueue,
  KyuModule,
  OnJobEvent,
  QueueService,
  type KyuOptions,
} from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { bootApp, newGround } from '../support/boot-app.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

class DebugLogger extends MemoryLogger implements LoggerService {
  readonly debugged: string[] = [];
  debug(message: unknown): void {
    this.debugged.push(String(message));
  }
}

const boot = (metadata: ModuleMetadata, options: KyuOptions = {}) =>
  bootApp({
    ...metadata,
    imports: [
      KyuModule.forRoot(newGround().options(options)),
      ...(metadata.imports ?? []),
    ],
  });

describe('field 06: decorators that can have no effect', () => {
  it('stop the boot with all their places: static, symbols, properties, accessors, classes', async () => {
    const RUN = Symbol('run');
    const onClass = JobHandler('class') as unknown as ClassDecorator;
    @onClass
    @Injectable()
    class Misplaced {
      @JobHandler('static')
      static run(): void {}
      @OnJobEvent('dead')
      static dead(): void {}
      @JobHandler('symbol')
      [RUN](): void {}
      @OnJobEvent('failed')
      [RUN as never](): void {}
      // @ts-expect-error The compiler refuses it; SWC and Babel do not.
      @JobHandler('property')
      run = (): void => {};
      @JobHandler('accessor')
      get now(): () => void {
        return () => {};
      }
    }
    const error = await boot({ providers: [Misplaced] }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect((error as InvalidOptionsError).problems.toSorted()).toEqual([
      expect.stringMatching(
        /^@JobHandler\("accessor"\) of Misplaced\.now has no effect: .* accessor; make it a method/,
      ),
      expect.stringMatching(
        /^@JobHandler\("class"\) of the class Misplaced has no effect: .*put it on the method/,
      ),
      expect.stringMatching(
        /^@JobHandler\("property"\) of Misplaced\.run has no effect: .* property/,
      ),
      expect.stringMatching(
        /^@JobHandler\("static"\) of Misplaced\.run has no effect: .*remove "static"/,
      ),
      expect.stringMatching(
        /^@JobHandler\("symbol"\) of Misplaced\[Symbol\(run\)\] has no effect: .*by a string/,
      ),
      expect.stringMatching(
        /^@OnJobEvent\("dead"\) of Misplaced\.dead has no effect: .*remove "static"/,
      ),
      expect.stringMatching(
        /^@OnJobEvent\("failed"\) of Misplaced\[Symbol\(run\)\] has no effect/,
      ),
    ]);
  });

  it('are warned of when a subclass overrides the method, unless another provider has it', async () => {
    abstract class Base {
      @JobHandler('overridden')
      over(): void {}
      @OnJobEvent('dead')
      dead(): void {}
      @JobHandler('inherited')
      kept(): void {}
      @JobHandler('renamed')
      renamed(): void {}
      @JobHandler('elsewhere')
      elsewhere(): void {}
    }
    @Injectable()
    class Child extends Base {
      override over(): void {}
      override dead(): void {}
      @JobHandler('its own')
      override renamed(): void {}
      override elsewhere(): void {}
    }
    @Injectable()
    class Sibling extends Base {
      override over(): void {}
      override dead(): void {}
      @JobHandler('sibling kept')
      override kept(): void {}
      @JobHandler('sibling renamed')
      override renamed(): void {}
    }
    @Module({ providers: [Child] })
    class Children {}
    const { logger } = await startKyu({
      imports: [Children],
      providers: [Sibling],
    });
    expect(logger.messages('warn').toSorted()).toEqual([
      expect.stringMatching(
        /^(Child\.dead \(Children\)|Sibling\.dead \(RootTestModule\)) overrides Base\.dead without its @OnJobEvent\("dead"\)/,
      ),
      expect.stringMatching(
        /^(Child|Sibling)\.over \(.*\) overrides Base\.over without its @JobHandler\("overridden"\), so Kyu does not call it\. Repeat the decorator/,
      ),
    ]);
  });

  it('are warned of when something has replaced the method', async () => {
    const wrapped: MethodDecorator = (_target, _key, descriptor) => {
      const method = descriptor.value as unknown as () => unknown;
      descriptor.value = function (this: unknown) {
        return method.call(this);
      } as never;
    };
    @Injectable()
    class Jobs {
      @wrapped
      @JobHandler('below')
      below(): void {}
      @JobHandler('above')
      @wrapped
      above(): void {}
      @OnJobEvent('dead')
      spied(): void {}
    }
    jest.spyOn(Jobs.prototype, 'spied');
    const { logger } = await startKyu({ providers: [Jobs] });
    expect(logger.messages('warn')).toEqual([
      expect.stringMatching(
        /^@JobHandler\("below"\) of Jobs\.below has no effect: .*Put @JobHandler\("below"\) above/,
      ),
      expect.stringMatching(
        /^@OnJobEvent\("dead"\) of Jobs\.spied has no effect/,
      ),
    ]);
  });

  it('work as standard decorators, too, where they can; elsewhere the class cannot be loaded', async () => {
    // As a compiler without `experimentalDecorators` calls them.
    type Standard = (
      method: object,
      context: { kind: string; name: string; static: boolean },
    ) => void;
    class Jobs {
      run(this: void): string {
        return 'ran';
      }
    }
    const decorate = JobHandler('standard') as unknown as Standard;
    const context = { kind: 'method', name: 'run', static: false };
    decorate(Jobs.prototype.run, context);
    const { app } = await startKyu({ providers: [Jobs] });
    expect((await runJob(app, 'standard')).result).toBe('ran');
    expect(() =>
      decorate(Jobs.prototype.run, { ...context, static: true }),
    ).toThrow(/@JobHandler\("standard"\) stands on a static method/);
  });

  it('are told of at the level debug when no module provides the class, and in the warning of its first job', async () => {
    @Injectable()
    class Forgotten {
      @JobHandler('field_06_forgotten')
      run(): void {}
      @OnJobEvent('dead')
      dead(): void {}
    }
    const logger = new DebugLogger();
    const kyu = await startKyu({
      options: { logger },
      handlers: { work: () => undefined },
    });
    expect(
      logger.debugged.filter((line) => line.includes('field_06_forgotten')),
    ).toEqual([
      expect.stringMatching(
        /^@JobHandler\("field_06_forgotten"\), @OnJobEvent\("dead"\) of Forgotten have no effect in this process: no module of this application provides Forgotten\. Add it/,
      ),
    ]);
    expect(logger.messages('warn')).toEqual([]);

    await kyu.queue.enqueue('field_06_forgotten', null);
    await until('a warning', () => logger.messages('warn').length > 0);
    expect(logger.messages('warn')).toEqual([
      expect.stringMatching(
        /^No handler for the job type "field_06_forgotten".*Forgotten has a @JobHandler\("field_06_forgotten"\), and no module of this application provides Forgotten/,
      ),
    ]);

    // Where there is no handler at all, such a class may be why. (Five are named, and the tests
    // before may have left some.)
    const idle = await startKyu();
    expect(idle.logger.messages('log')).toEqual([
      expect.stringMatching(/ 0 handlers \(no module provides \w[\w, ]*\); /),
    ]);
    expect(idle.logger.messages('warn')).toEqual([]);
    const worker = await startKyu({ options: { mode: 'worker' } });
    expect(worker.logger.messages('warn')).toEqual([
      expect.stringMatching(/No module provides \w[\w, ]*\.$/),
    ]);

    const producer = new DebugLogger();
    await startKyu({ options: { logger: producer, mode: 'producer' } });
    expect(producer.debugged).toEqual([]);
    // Kept until here: Kyu itself keeps no class alive.
    expect(Forgotten.name).toBe('Forgotten');
  });

  it('are missing: a worker without any handler is warned of', async () => {
    const idle = await startKyu({ options: { mode: 'worker' } });
    expect(idle.logger.messages('warn')).toEqual([
      expect.stringMatching(
        /^KyuModule has the mode 'worker' and no handler so far.*Import the modules/,
      ),
    ]);
    const busy = await startKyu({
      options: { mode: 'worker' },
      handlers: { work: () => undefined },
    });
    expect(busy.logger.messages('warn')).toEqual([]);
    const both = await startKyu();
    expect(both.logger.messages('warn')).toEqual([]);
  });
});

describe('field 06: two handlers for one type', () => {
  @Injectable()
  class P1 {
    @JobHandler('go')
    go(): void {}
  }
  const twoPlaces = 'Two handlers for the job type "go": ';

  it('of a module that is imported twice', async () => {
    class Dyn {
      static forRoot(): DynamicModule {
        return { module: Dyn, providers: [P1, { provide: 'x', useValue: {} }] };
      }
    }
    await expect(
      boot({ imports: [Dyn.forRoot(), Dyn.forRoot()] }),
    ).rejects.toThrow(
      `${twoPlaces}P1.go (Dyn) and P1.go (Dyn). Dyn is in this application twice, each time with a P1 of its own, because its forRoot() or register() ` +
        'is called twice. Call it once, keep what it returns in a constant, and import that constant wherever the module is needed.',
    );
  });

  it('of a class that two modules provide', async () => {
    @Module({ providers: [P1] })
    class A {}
    @Module({ providers: [P1] })
    class B {}
    await expect(boot({ imports: [A, B] })).rejects.toThrow(
      `${twoPlaces}P1.go (A) and P1.go (B). A and B both provide P1: provide it in one of them, export it there, and import that module into the other.`,
    );
  });

  it('of a class that one module provides under two tokens', async () => {
    @Module({ providers: [P1, { provide: 'again', useClass: P1 }] })
    class A {}
    await expect(boot({ imports: [A] })).rejects.toThrow(
      'A provides P1 twice, under two tokens: let the second one be { useExisting }.',
    );
  });

  it('that stand on one method', async () => {
    @Injectable()
    class Twice {
      @JobHandler('go')
      @JobHandler('go')
      run(): void {}
    }
    await expect(boot({ providers: [Twice] })).rejects.toThrow(
      'The decorator stands on the method twice: remove one of them.',
    );
  });
});

describe('field 06: what a circular import leaves undefined', () => {
  const missing = undefined as never;
  const providers = (...classes: Type[]) => boot({ providers: classes });
  const why =
    /undefined\. Two files that import each other \(a circular import\)/;

  it('is said of the type of a handler', async () => {
    @Injectable()
    class Jobs {
      @JobHandler(missing)
      run(): void {}
    }
    const booted = providers(Jobs);
    await expect(booted).rejects.toThrow(why);
    await expect(booted).rejects.toThrow(
      'Jobs.run (RootTestModule): the job type is undefined',
    );
  });

  it('is said of the type of a listener, which would hear of all jobs', async () => {
    @Injectable()
    class Listener {
      @OnJobEvent('dead', missing)
      dead(): void {}
    }
    const booted = providers(Listener);
    await expect(booted).rejects.toThrow(why);
    await expect(booted).rejects.toThrow('Listener.dead');
  });
});

describe('field 06: names of queues that a circular import leaves undefined', () => {
  const missing = undefined as never;
  it('are refused', async () => {
    @Injectable()
    @JobQueue(missing)
    class Jobs {
      @JobHandler('go')
      run(): void {}
    }
    await expect(boot({ providers: [Jobs] })).rejects.toThrow(
      /@JobQueue\(\) of Jobs got undefined.*circular import/,
    );
    expect(() => InjectQueue(missing)).toThrow(/InjectQueue.*circular import/);
    expect(() => InjectKyuHealth(missing)).toThrow(/circular import/);
  });
});

describe('field 06: stacked @JobHandler()', () => {
  it('makes one method the handler of each type, with its own options', async () => {
    const seen: Record<string, number> = {};
    @Injectable()
    class Jobs {
      @JobHandler('first', { maxRetries: 7 })
      @JobHandler('second', { maxRetries: 1, priority: 5 })
      @JobHandler('third')
      run(payload: number, { type }: { type: string }): string {
        seen[type] = payload;
        return type;
      }
    }
    const bare = Object.create(Object.create(null) as object) as object;
    const kyu = await startKyu({
      providers: [Jobs, { provide: 'BARE', useValue: bare }],
    });
    const ended = new Set<string>();
    kyu.app
      .get(QueueService)
      .events.on('job.settled', ({ id }) => ended.add(id));
    const ids = await Promise.all(
      ['first', 'second', 'third'].map((type, i) => kyu.queue.enqueue(type, i)),
    );
    await until('all to end', () => ended.size === 3);
    const jobs = await Promise.all(ids.map((id) => kyu.queue.inspect(id)));
    expect(
      jobs.map(({ result, maxRetries, priority }) => [
        result,
        maxRetries,
        priority,
      ]),
    ).toEqual([
      ['first', 7, 0],
      ['second', 1, 5],
      ['third', 3, 0],
    ]);
    expect(seen).toEqual({ first: 0, second: 1, third: 2 });
    expect(kyu.logger.messages('warn')).toEqual([]);
  });
});
