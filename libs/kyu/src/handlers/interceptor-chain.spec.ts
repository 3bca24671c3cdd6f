import { AsyncLocalStorage } from 'node:async_hooks';
import type {
  CallHandler,
  ExecutionContext,
  NestInterceptor,
} from '@nestjs/common';
import { catchError, EMPTY, map, of, retry, throwError, timer } from 'rxjs';
import { mergeMap } from 'rxjs';
import { throughInterceptors } from './interceptor-chain.js';
import type { JobContext } from './job-parameters.decorator.js';

const JOB = { signal: new AbortController().signal } as JobContext;
const CONTEXT = { getType: () => 'kyu' } as unknown as ExecutionContext;

type Intercept = (
  context: ExecutionContext,
  next: CallHandler,
) => ReturnType<NestInterceptor['intercept']>;

const run = (
  interceptors: readonly Intercept[],
  handler: () => unknown,
): Promise<unknown> =>
  throughInterceptors(
    interceptors.map((intercept) => ({ intercept })),
    handler,
  )(null, JOB, CONTEXT) as Promise<unknown>;

const pass: Intercept = (_, next) => next.handle();

describe('throughInterceptors', () => {
  it.each<[string, () => unknown]>([
    ['a value', () => 'done'],
    ['a promise', async () => 'done'],
    ['an Observable', () => of('not yet', 'done')],
  ])('resolves with the result of a handler that returns %s', async (_, h) => {
    await expect(run([], h)).resolves.toBe('done');
    await expect(run([pass, pass], h)).resolves.toBe('done');
  });

  it.each([undefined, null, 0, '', false])(
    'keeps a result of %p',
    async (result) => {
      await expect(run([pass], () => result)).resolves.toBe(result);
    },
  );

  it('goes in from the first to the last, and out again', async () => {
    const lines: string[] = [];
    const recorder =
      (name: string): Intercept =>
      (_, next) => {
        lines.push(`> ${name}`);
        return next.handle().pipe(
          map((value) => {
            lines.push(`< ${name}`);
            return value as unknown;
          }),
        );
      };
    await run([recorder('a'), recorder('b')], () => lines.push('handler'));
    expect(lines).toEqual(['> a', '> b', 'handler', '< b', '< a']);
  });

  it('hands the context to each', async () => {
    const seen: unknown[] = [];
    const look: Intercept = (context, next) => {
      seen.push(context);
      return next.handle();
    };
    await run([look, look], () => undefined);
    expect(seen).toEqual([CONTEXT, CONTEXT]);
  });

  it('lets an interceptor change the result', async () => {
    const wrap: Intercept = (_, next) =>
      next.handle().pipe(map((value) => [value] as unknown));
    await expect(run([wrap, wrap], () => 1)).resolves.toEqual([[1]]);
  });

  it('accepts interceptors that are async', async () => {
    const slow: Intercept = async (_, next) => next.handle();
    await expect(run([slow, slow], () => 1)).resolves.toBe(1);
  });

  it('does not call the handler before it is subscribed to', async () => {
    let calls = 0;
    const ignore: Intercept = (_, next) => {
      next.handle();
      return of('cached');
    };
    await expect(run([ignore], () => ++calls)).resolves.toBe('cached');
    expect(calls).toBe(0);
  });

  it('does not call what is behind an interceptor that answers itself', async () => {
    const answer: Intercept = () => of('cached');
    const fail: Intercept = () => {
      throw new Error('called');
    };
    await expect(run([answer, fail], () => fail)).resolves.toBe('cached');
  });

  it('calls the handler again for each subscription: a retry is one', async () => {
    let calls = 0;
    let inner = 0;
    const retrying: Intercept = (_, next) => next.handle().pipe(retry(2));
    const count: Intercept = (_, next) => {
      inner++;
      return next.handle();
    };
    const handler = (): number => {
      if (++calls < 3) throw new Error('not yet');
      return calls;
    };
    await expect(run([retrying, count], handler)).resolves.toBe(3);
    expect(inner).toBe(3);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
    [
      'returns an Observable that fails',
      () => throwError(() => new Error('no')),
    ],
  ])('rejects when the handler %s, also without interceptors', async (_, h) => {
    await expect(run([], h)).rejects.toThrow('no');
    await expect(run([pass], h)).rejects.toThrow('no');
  });

  it('rejects with the very value that was thrown, null included', async () => {
    for (const thrown of [null, undefined, 'text', { a: 1 }])
      await expect(
        run([pass], () => {
          throw thrown;
        }),
      ).rejects.toBe(thrown);
  });

  it('rejects when an interceptor throws, synchronously or not', async () => {
    const handler = (): never => {
      throw new Error('called');
    };
    const sync: Intercept = () => {
      throw new Error('denied');
    };
    const rejecting: Intercept = async () => {
      throw new Error('denied');
    };
    await expect(run([sync], handler)).rejects.toThrow('denied');
    await expect(run([pass, rejecting], handler)).rejects.toThrow('denied');
  });

  it('lets an outer interceptor catch or replace the error', async () => {
    const handler = (): never => {
      throw new Error('no');
    };
    const cure: Intercept = (_, next) =>
      next.handle().pipe(catchError(() => of('cured')));
    const replace: Intercept = (_, next) =>
      next
        .handle()
        .pipe(catchError(() => throwError(() => new Error('another'))));
    await expect(run([cure, pass], handler)).resolves.toBe('cured');
    await expect(run([replace], handler)).rejects.toThrow('another');
  });

  it('rejects when an interceptor gives nothing at all', async () => {
    await expect(run([() => EMPTY], () => 1)).rejects.toThrow('no elements');
  });

  it('waits for the last value of an Observable', async () => {
    const later: Intercept = (_, next) =>
      timer(1).pipe(mergeMap(() => next.handle()));
    await expect(run([later], async () => 'done')).resolves.toBe('done');
  });

  it('carries an async context from an interceptor to the handler', async () => {
    const storage = new AsyncLocalStorage<string>();
    const open =
      (name: string): Intercept =>
      (_, next) =>
        storage.run(`${storage.getStore() ?? ''}/${name}`, () => next.handle());
    const handler = async (): Promise<string | undefined> => {
      await Promise.resolve();
      return storage.getStore();
    };
    await expect(run([open('a'), pass, open('b')], handler)).resolves.toBe(
      '/a/b',
    );
    expect(storage.getStore()).toBeUndefined();
  });

  it('keeps the async contexts of two runs apart', async () => {
    const storage = new AsyncLocalStorage<number>();
    const both = [1, 2].map((n) =>
      run([(_, next) => storage.run(n, () => next.handle())], async () =>
        storage.getStore(),
      ),
    );
    await expect(Promise.all(both)).resolves.toEqual([1, 2]);
  });
});
