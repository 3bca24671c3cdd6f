import { AsyncLocalStorage } from 'node:async_hooks';
import {
  Inject,
  Injectable,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { JobPayload } from '@kyu/nestjs';
import {
  catchError,
  EMPTY,
  EmptyError,
  NEVER,
  Observable,
  of,
  retry,
  throwError,
  timeout,
} from 'rxjs';
import {
  around,
  boom,
  describeHost,
  describePipelines,
  JOB,
} from './pipeline.implementations.js';

describePipelines((start) => {
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
