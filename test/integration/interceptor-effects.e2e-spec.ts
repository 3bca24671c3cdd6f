import { AsyncLocalStorage } from 'node:async_hooks';
import { UseInterceptors, type NestInterceptor } from '@nestjs/common';
import { JobHandler, type JobContext } from '@kyu/nestjs';
import {
  EMPTY,
  Observable,
  catchError,
  map,
  of,
  retry,
  throwError,
} from 'rxjs';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

/** An interceptor of one function. */
const around = (intercept: NestInterceptor['intercept']): NestInterceptor => ({
  intercept,
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
