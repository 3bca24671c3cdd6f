import {
  Catch,
  createParamDecorator,
  ForbiddenException,
  Injectable,
  ParseIntPipe,
  SetMetadata,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type PipeTransform,
} from '@nestjs/common';
import {
  APP_FILTER,
  APP_GUARD,
  APP_INTERCEPTOR,
  APP_PIPE,
  Reflector,
} from '@nestjs/core';
import { JobContext, JobPayload, KyuExecutionContext } from '@kyu/nestjs';
import { map, of } from 'rxjs';
import {
  around,
  boom,
  describeHost,
  describePipelines,
  JOB,
} from './pipeline.implementations.js';

describePipelines((start) => {
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
          return later.toUpperCase(); // a promise has none
        }
      }
      expect(await (await start(Jobs))()).toBe('LATER');
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
});
