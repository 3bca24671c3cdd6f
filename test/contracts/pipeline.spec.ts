import { AsyncLocalStorage } from 'node:async_hooks';
import {
  Catch,
  createParamDecorator,
  ForbiddenException,
  Inject,
  Injectable,
  ParseIntPipe,
  Scope,
  SetMetadata,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import {
  APP_FILTER,
  APP_GUARD,
  APP_INTERCEPTOR,
  APP_PIPE,
  Reflector,
  REQUEST,
} from '@nestjs/core';
import { JobContext, JobPayload, KyuExecutionContext } from '@kyu/nestjs';
import {
  catchError,
  EMPTY,
  EmptyError,
  map,
  NEVER,
  Observable,
  of,
  retry,
  throwError,
  timeout,
} from 'rxjs';
import {
  describeHost,
  implementations,
  JOB,
  pipelineOf,
} from './pipeline.implementations.js';

const around = (intercept: NestInterceptor['intercept']): NestInterceptor => ({
  intercept,
});
const boom = new Error('boom');

/** What Nest does around a method, held against Nest itself: whatever is true of the one must be true of the other. */
describe.each([
  ["Nest's own ExternalContextCreator", implementations.byNest],
  ['the pipeline that Kyu compiles', implementations.byKyu],
] as const)('%s', (_, implementation) => {
  const start = (
    ...args: Parameters<typeof pipelineOf> extends [unknown, ...infer Rest]
      ? Rest
      : never
  ) => pipelineOf(implementation, ...args);

  describe('the order', () => {
    it('is guards, interceptors, pipes, handler; the whole application, a module, class, method', async () => {
      const lines: string[] = [];
      const level = (name: string) => ({
        guard: {
          canActivate: () => lines.push(`guard ${name}`) > 0,
        } satisfies CanActivate,
        interceptor: around((__, next) => {
          lines.push(`> ${name}`);
          return next.handle().pipe(
            map((value: unknown) => {
              lines.push(`< ${name}`);
              return value;
            }),
          );
        }),
        pipe: {
          transform: (value: unknown) => {
            lines.push(`pipe ${name}`);
            return value;
          },
        } satisfies PipeTransform,
      });
      const [app, module, onClass, method, parameter] = [
        'app',
        'module',
        'class',
        'method',
        'parameter',
      ].map(level);
      @UseGuards(onClass!.guard)
      @UseInterceptors(onClass!.interceptor)
      @UsePipes(onClass!.pipe)
      class Jobs {
        @UseGuards(method!.guard)
        @UseInterceptors(method!.interceptor)
        @UsePipes(method!.pipe)
        run(@JobPayload(parameter!.pipe) _payload: unknown): void {
          lines.push('handler');
        }
      }
      const dispatch = await start(
        Jobs,
        {
          providers: [
            { provide: APP_GUARD, useValue: module!.guard },
            { provide: APP_INTERCEPTOR, useValue: module!.interceptor },
            { provide: APP_PIPE, useValue: module!.pipe },
          ],
        },
        (nest) => {
          nest.useGlobalGuards(app!.guard);
          nest.useGlobalInterceptors(app!.interceptor);
          nest.useGlobalPipes(app!.pipe);
        },
      );
      await dispatch();
      // Of the application, in the order in which they were registered.
      const names = ['module', 'app', 'class', 'method'];
      expect(lines).toEqual([
        ...names.map((name) => `guard ${name}`),
        ...names.map((name) => `> ${name}`),
        ...[...names, 'parameter'].map((name) => `pipe ${name}`),
        'handler',
        ...names.toReversed().map((name) => `< ${name}`),
      ]);
    });

    it('of filters is the nearest first: method, class, the whole application', async () => {
      const filter = (name: string, takes: typeof Error) => {
        @Catch(takes)
        class Filter implements ExceptionFilter {
          catch = (): string => name;
        }
        return new Filter();
      };
      @UseFilters(filter('class', TypeError))
      class Jobs {
        @UseFilters(filter('method', RangeError))
        run(thrown: unknown): never {
          throw thrown;
        }
      }
      const dispatch = await start(Jobs, {
        providers: [{ provide: APP_FILTER, useValue: filter('app', Error) }],
      });
      expect(await dispatch(new RangeError())).toBe('method');
      expect(await dispatch(new TypeError())).toBe('class');
      expect(await dispatch(new SyntaxError())).toBe('app');
    });
  });

  describe('a method', () => {
    it('without parameter decorators gets payload and context, on its own instance', async () => {
      class Jobs {
        own = 'mine';
        run(...args: unknown[]): unknown[] {
          return [this.own, ...args];
        }
      }
      expect(await (await start(Jobs))('text')).toEqual(['mine', 'text', JOB]);
    });

    const Tenant = createParamDecorator((field: string, context) => {
      const { payload, job } =
        KyuExecutionContext.of<Record<string, string>>(context);
      return `${payload[field]} of ${job.id}, ${context.getClass().name}.${context.getHandler().name}`;
    });
    const Later = createParamDecorator(async (value: string) => {
      await Promise.resolve();
      return value;
    });

    it('gets what its decorators make, those that are async and of its base class included', async () => {
      class Base {
        run(
          @JobContext() job: JobContext,
          _undecorated: unknown,
          @Tenant('tenant') tenant: string,
          @Later('later') later: string,
          @JobPayload('n', ParseIntPipe) n: number,
        ): unknown[] {
          return [job, _undecorated, tenant, later, n];
        }
      }
      @Injectable()
      class Jobs extends Base {}
      const dispatch = await start(Jobs);
      expect(await dispatch({ tenant: 'acme', n: '7' })).toEqual([
        JOB,
        undefined,
        'acme of job 1, Jobs.run',
        'later',
        7,
      ]);
    });

    it('gets what an async decorator makes without any pipe', async () => {
      class Jobs {
        run(@Later('later') later: string): string {
          return later;
        }
      }
      expect(await (await start(Jobs))()).toBe('later');
    });

    it.each<[string, () => unknown, unknown]>([
      ['a value', () => 'done', 'done'],
      ['a promise', async () => 'done', 'done'],
      ['an Observable', () => of('not yet', 'done'), 'done'],
      ['a promise of one', async () => of('not yet', 'done'), 'done'],
      ['nothing', () => undefined, undefined],
    ])(
      'may return %s, with an interceptor or without',
      async (__, run, result) => {
        class Plain {
          run(): unknown {
            return run();
          }
        }
        class Wrapped {
          @UseInterceptors(around((___, next) => next.handle()))
          run(): unknown {
            return run();
          }
        }
        expect(await (await start(Plain))()).toBe(result);
        expect(await (await start(Wrapped))()).toBe(result);
      },
    );

    it('that returns an empty Observable fails', async () => {
      class Jobs {
        run(): Observable<never> {
          return EMPTY;
        }
      }
      await expect((await start(Jobs))()).rejects.toThrow(EmptyError);
    });

    it.each([boom, 'text', null, undefined])(
      'that throws %p rejects with that very value',
      async (thrown) => {
        class Jobs {
          @UseInterceptors(around((__, next) => next.handle()))
          run(): never {
            throw thrown;
          }
        }
        await expect((await start(Jobs))()).rejects.toBe(thrown);
      },
    );
  });

  describe('a guard', () => {
    it.each<[string, () => ReturnType<CanActivate['canActivate']>]>([
      ['false', () => false],
      ['a promise of false', async () => false],
      ['an Observable of false', () => of(true, false)],
      [
        'a promise of an Observable of false',
        async () => of(false) as unknown as boolean,
      ],
      ['nothing', () => undefined as unknown as boolean],
    ])(
      'that answers %s refuses; nothing behind it is called',
      async (__, canActivate) => {
        let calls = 0;
        class Jobs {
          @UseGuards(
            { canActivate: () => true },
            { canActivate },
            { canActivate: () => ++calls > 0 },
          )
          @UseInterceptors(
            around((___, next) => {
              calls++;
              return next.handle();
            }),
          )
          run(): void {
            calls++;
          }
        }
        await expect((await start(Jobs))()).rejects.toEqual(
          new ForbiddenException('Forbidden resource'),
        );
        expect(calls).toBe(0);
      },
    );

    it('may throw an error of its own', async () => {
      class Jobs {
        @UseGuards({ canActivate: () => Promise.reject(boom) })
        run(): void {}
      }
      await expect((await start(Jobs))()).rejects.toBe(boom);
    });

    it('sees the job, the class, the method and its metadata', async () => {
      let seen: unknown;
      @Injectable()
      class Roles implements CanActivate {
        constructor(private readonly reflector: Reflector) {}
        canActivate(context: ExecutionContext): boolean {
          const { payload, job } = KyuExecutionContext.of(context);
          seen = [
            describeHost(context),
            payload,
            job,
            context.getArgs().length,
            context.getClass(),
            this.reflector.get<string>('role', context.getHandler()),
          ];
          return true;
        }
      }
      class Jobs {
        @UseGuards(Roles)
        @SetMetadata('role', 'admin')
        run(): void {}
      }
      await (
        await start(Jobs)
      )('payload');
      expect(seen).toEqual(['kyu job 1', 'payload', JOB, 2, Jobs, 'admin']);
    });
  });

  describe('a pipe', () => {
    it('gets value, type and place, and each the result of the one before', async () => {
      const seen: unknown[] = [];
      const spy: PipeTransform = {
        transform: async (value: string, { type, data, metatype }) => {
          seen.push([value, type, data, metatype?.name]);
          return `${value}!`;
        },
      };
      class Jobs {
        @UsePipes(spy)
        run(@JobPayload('to', spy) to: string): string {
          return to;
        }
      }
      expect(await (await start(Jobs))({ to: 'Ada' })).toBe('Ada!!');
      expect(seen).toEqual([
        ['Ada', 'custom', 'to', 'String'],
        ['Ada!', 'custom', 'to', 'String'],
      ]);
    });

    it('has no say without a decorated parameter', async () => {
      class Jobs {
        @UsePipes({
          transform: () => {
            throw boom;
          },
        })
        run(payload: unknown): unknown {
          return payload;
        }
      }
      expect(await (await start(Jobs))('as it is')).toBe('as it is');
    });
  });

  describe('an interceptor', () => {
    const with_ = async (
      interceptors: NestInterceptor['intercept'][],
      run: (payload?: unknown) => unknown,
    ): Promise<unknown> => {
      class Jobs {
        @UseInterceptors(...interceptors.map(around))
        run(payload: unknown): unknown {
          return run(payload);
        }
      }
      return (await start(Jobs))('payload');
    };

    it('may run all that is behind it again, by retry()', async () => {
      const lines: string[] = [];
      class Jobs {
        @UseInterceptors(
          around((__, next) => next.handle().pipe(retry(2))),
          around((__, next) => {
            lines.push('inner');
            return next.handle();
          }),
        )
        run(
          @JobPayload({
            transform: (value) => {
              lines.push('pipe');
              return value as unknown;
            },
          })
          _payload: unknown,
        ): number {
          lines.push('handler');
          if (lines.length < 9) throw boom;
          return lines.length;
        }
      }
      expect(await (await start(Jobs))()).toBe(9);
      expect(lines.slice(0, 3)).toEqual(['inner', 'pipe', 'handler']);
    });

    it('may leave the handler out', async () => {
      expect(
        await with_([() => of('cached')], () => {
          throw boom;
        }),
      ).toBe('cached');
    });

    it('may take the handle and not use it: nothing runs before somebody subscribes', async () => {
      let calls = 0;
      const unused: NestInterceptor['intercept'] = (__, next) => {
        next.handle();
        return of('other');
      };
      expect(await with_([unused], () => ++calls)).toBe('other');
      expect(calls).toBe(0);
    });

    it('that gives nothing at all fails', async () => {
      await expect(with_([() => EMPTY], () => 1)).rejects.toThrow(EmptyError);
    });

    it.each<[string, NestInterceptor['intercept']]>([
      [
        'throws',
        () => {
          throw boom;
        },
      ],
      ['rejects', () => Promise.reject(boom)],
      ['gives an Observable that fails', () => throwError(() => boom)],
    ])('that %s fails, and one around it may cure that', async (__, fails) => {
      await expect(with_([fails], () => 1)).rejects.toBe(boom);
      const cure: NestInterceptor['intercept'] = (___, next) =>
        next.handle().pipe(catchError(() => of('cured')));
      expect(await with_([cure, fails], () => 1)).toBe('cured');
    });

    it('that returns no stream fails, and says so', async () => {
      const wrong = (() => 7) as unknown as NestInterceptor['intercept'];
      await expect(with_([wrong], () => 1)).rejects.toThrow(TypeError);
    });

    it('may be asynchronous, and take only so long', async () => {
      const slow: NestInterceptor['intercept'] = async (__, next) => {
        await new Promise(setImmediate);
        return next.handle();
      };
      const limit: NestInterceptor['intercept'] = (__, next) =>
        next.handle().pipe(timeout(20));
      expect(await with_([limit, slow], async () => 'there')).toBe('there');
      await expect(with_([limit, slow], () => NEVER)).rejects.toThrow(
        'Timeout',
      );
    });

    it('that was left by a timeout does not begin what the handler gives later', async () => {
      let begun = 0;
      let release: (value: unknown) => void = () => undefined;
      const late = new Promise((resolve) => (release = resolve));
      await expect(
        with_([(__, next) => next.handle().pipe(timeout(5))], () => late),
      ).rejects.toThrow('Timeout');
      release(new Observable(() => void begun++));
      await new Promise(setImmediate);
      expect(begun).toBe(0);
    });

    it.each<[string, (store: AsyncLocalStorage<string>) => NestInterceptor]>([
      [
        'around handle()',
        (store) =>
          around((__, next) => store.run('inside', () => next.handle())),
      ],
      [
        'around the subscription',
        (store) =>
          around(
            (__, next) =>
              new Observable((out) =>
                store.run('inside', () => next.handle().subscribe(out)),
              ),
          ),
      ],
    ])(
      'may open an AsyncLocalStorage %s for all that is behind it',
      async (__, opens) => {
        const store = new AsyncLocalStorage<string>();
        class Jobs {
          @UseInterceptors(opens(store), around((___, next) => next.handle()))
          async run(
            @JobPayload({ transform: () => store.getStore() }) inPipe: unknown,
          ): Promise<unknown[]> {
            const before = store.getStore();
            await new Promise(setImmediate);
            return [inPipe, before, store.getStore()];
          }
        }
        const dispatch = await start(Jobs);
        const results = await Promise.all([dispatch(), dispatch()]);
        for (const result of results)
          expect(result).toEqual(['inside', 'inside', 'inside']);
        expect(store.getStore()).toBeUndefined();
      },
    );
  });

  describe('a filter', () => {
    const answer: ExceptionFilter<Error> = {
      catch: ({ message }, host) => `${message}, ${describeHost(host)}`,
    };

    it.each(['guard', 'interceptor', 'pipe', 'handler'])(
      'takes what a %s throws, and its answer is the result',
      async (place) => {
        const at = (name: string): void => {
          if (name === place) throw boom;
        };
        class Jobs {
          @UseFilters(answer)
          @UseGuards({
            canActivate: () => {
              at('guard');
              return true;
            },
          })
          @UseInterceptors(
            around((__, next) => {
              at('interceptor');
              return next.handle();
            }),
          )
          run(
            @JobPayload({ transform: () => at('pipe') }) _payload: unknown,
          ): string {
            at('handler');
            return 'fine';
          }
        }
        expect(await (await start(Jobs))()).toBe('boom, kyu job 1');
      },
    );

    it.each<[string, () => unknown, unknown]>([
      ['a promise', async () => 'answer', 'answer'],
      ['an Observable', () => of('first', 'answer'), 'answer'],
      ['null', () => null, null],
    ])('may answer with %s', async (__, answers, result) => {
      class Jobs {
        @UseFilters({ catch: answers })
        run(): never {
          throw boom;
        }
      }
      expect(await (await start(Jobs))()).toBe(result);
    });

    it.each<[string, () => unknown]>([
      ['nothing', () => undefined],
      ['throwError() of it', () => throwError(() => boom)],
      [
        'a throw of it',
        () => {
          throw boom;
        },
      ],
    ])('that gives %s leaves the failure', async (__, answers) => {
      class Jobs {
        @UseFilters({ catch: answers })
        run(): never {
          throw boom;
        }
      }
      await expect((await start(Jobs))()).rejects.toBe(boom);
    });
  });

  it('makes request-scoped enhancers anew for each job, with the job as REQUEST', async () => {
    const made: unknown[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class Scoped implements NestInterceptor {
      constructor(@Inject(REQUEST) request: unknown) {
        made.push(request);
      }
      intercept(__: ExecutionContext, next: CallHandler): Observable<unknown> {
        return next.handle();
      }
    }
    class Jobs {
      @UseInterceptors(Scoped)
      run(): string {
        return 'done';
      }
    }
    const dispatch = await start(Jobs);
    expect([await dispatch(), await dispatch()]).toEqual(['done', 'done']);
    expect(made).toEqual([JOB, JOB]);
  });
});
