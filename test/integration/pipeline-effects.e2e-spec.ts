import {
  BadRequestException,
  ParseIntPipe,
  ServiceUnavailableException,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
  type CanActivate,
  type ExceptionFilter,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import {
  JobContext,
  JobHandler,
  JobPayload,
  KyuExecutionContext,
  UnrecoverableJobError,
  type Job,
} from '@kyu/nestjs';
import { IsEmail, IsInt, ValidateNested } from 'class-validator';
import { Type } from 'class-transformer';
import { EMPTY } from 'rxjs';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

/** What becomes of the job, whatever stands around its handler. */
interface Around {
  guard?: CanActivate;
  interceptor?: NestInterceptor;
  pipe?: PipeTransform;
  filter?: ExceptionFilter;
}

async function runInside({
  guard = { canActivate: () => true },
  interceptor = { intercept: (_, next) => next.handle() },
  pipe = { transform: (value: unknown) => value },
  filter = { catch: () => undefined },
}: Around): Promise<{ job: Job; calls: number }> {
  let calls = 0;
  class Jobs {
    @JobHandler('job')
    @UseGuards(guard)
    @UseInterceptors(interceptor)
    @UsePipes(pipe)
    @UseFilters(filter)
    run(@JobPayload() payload: unknown): void {
      calls++;
      if (payload === 'fail') throw new Error('boom');
    }
  }
  const { app } = await startKyu({ providers: [Jobs] });
  const payload = filter.catch.length > 0 ? 'fail' : 'fine';
  return { job: await runJob(app, 'job', payload), calls };
}

const throwing = (error: unknown) => () => {
  throw error;
};

describe('a guard that says no', () => {
  it('fails the run and is asked again at the retry', async () => {
    class Jobs {
      @JobHandler('job')
      @UseGuards({
        canActivate: (context) =>
          KyuExecutionContext.of(context).job.attempt > 1,
      } satisfies CanActivate)
      run(_: unknown, { attempt }: JobContext): number {
        return attempt;
      }
    }
    const kyu = await startKyu({
      providers: [Jobs],
      options: { backoff: { base: '1ms' } },
    });
    const completed = kyu.nextEvent(
      'job.settled',
      ({ status }) => status === 'completed',
    );
    const id = await kyu.queue.enqueue('job', null);
    await completed;
    const job = await kyu.queue.inspect(id);
    expect(job).toMatchObject({ result: 2, retryCount: 1 });
    expect(job.history[0]).toMatchObject({
      outcome: 'failed',
      error: 'Forbidden resource',
    });
  });

  it('ends the job by an UnrecoverableJobError', async () => {
    const guard = {
      canActivate: throwing(new UnrecoverableJobError('never for this tenant')),
    };
    expect(await runInside({ guard })).toMatchObject({
      job: {
        status: 'dead',
        retryCount: 0,
        errorMessage: 'never for this tenant',
      },
      calls: 0,
    });
  });
});

describe('a pipe that refuses the payload', () => {
  it.each<[string, unknown, string]>([
    ['an HttpException', new BadRequestException('not so'), 'not so'],
    ['an UnrecoverableJobError', new UnrecoverableJobError('gone'), 'gone'],
  ])('by %s: the job is dead at once', async (_, thrown, text) => {
    const { job, calls } = await runInside({
      pipe: { transform: throwing(thrown) },
    });
    expect(calls).toBe(0);
    expect(job).toMatchObject({ status: 'dead', retryCount: 0 });
    expect(job.history).toHaveLength(1);
    expect(job.errorMessage).toBe(
      thrown instanceof UnrecoverableJobError
        ? text
        : `A pipe refused the payload: ${text}`,
    );
  });

  it('on one parameter', async () => {
    class Jobs {
      @JobHandler('job')
      run(@JobPayload('count', ParseIntPipe) _count: number): void {}
    }
    const { app } = await startKyu({ providers: [Jobs] });
    expect(await runJob(app, 'job', { count: 'many' })).toMatchObject({
      status: 'dead',
      errorMessage: expect.stringContaining('numeric string is expected'),
    });
  });

  it('names the fields where ValidationPipe does', async () => {
    class Item {
      @IsInt()
      quantity: number;
    }
    class Order {
      @IsEmail()
      customer: string;
      @ValidateNested()
      @Type(() => Item)
      item: Item;
    }
    class Jobs {
      @JobHandler('job')
      @UsePipes(new ValidationPipe({ validateCustomDecorators: true }))
      run(@JobPayload() _order: Order): void {}
    }
    const { app } = await startKyu({ providers: [Jobs] });
    const payload = { customer: 'nobody', item: { quantity: 'x' } };
    expect(await runJob(app, 'job', payload)).toMatchObject({
      status: 'dead',
      errorMessage:
        'A pipe refused the payload: customer must be an email; item.quantity must be an integer number',
    });
  });

  it('is dead as well when a filter or an interceptor has seen the error and let it go', async () => {
    const seen: unknown[] = [];
    class Jobs {
      @JobHandler('job')
      @UseFilters({
        catch: (error: unknown) => {
          seen.push(error);
          throw error;
        },
      })
      run(
        @JobPayload({ transform: throwing(new BadRequestException('not so')) })
        _payload: unknown,
      ): void {}
    }
    const { app } = await startKyu({ providers: [Jobs] });
    expect((await runJob(app, 'job')).status).toBe('dead');
    expect(seen).toEqual([new BadRequestException('not so')]);
  });

  it('did not refuse it if it says 503: it could not ask, and the run is retried', async () => {
    const pipe = { transform: throwing(new ServiceUnavailableException()) };
    expect((await runInside({ pipe })).job.status).toBe('failed');
  });

  it('is not what the handler throws, were it the same kind of error', async () => {
    class Jobs {
      @JobHandler('job')
      @UsePipes({ transform: (value: unknown) => value })
      run(@JobPayload() _payload: unknown): never {
        throw new BadRequestException();
      }
    }
    const { app } = await startKyu({ providers: [Jobs] });
    expect((await runJob(app, 'job')).status).toBe('failed');
  });
});

describe('a filter', () => {
  it.each<[string, () => unknown, string]>([
    ['a value: completed', () => 'calm', 'completed'],
    ['null: completed', () => null, 'completed'],
    ['a promise of a value: completed', async () => 'calm', 'completed'],
    ['nothing: failed', () => undefined, 'failed'],
    ['a promise of nothing: failed', async () => undefined, 'failed'],
    ['an empty Observable: failed', () => EMPTY, 'failed'],
  ])('that gives %s', async (_, answer, status) => {
    const filter: ExceptionFilter = { catch: (_error) => answer() };
    const { job } = await runInside({ filter });
    expect(job.status).toBe(status);
    if (status === 'failed') expect(job.errorMessage).toBe('boom');
  });
});

it('an interceptor that gives EMPTY fails the run, and the handler is not called', async () => {
  const interceptor = { intercept: () => EMPTY };
  expect(await runInside({ interceptor })).toMatchObject({
    job: { status: 'failed', errorMessage: 'no elements in sequence' },
    calls: 0,
  });
});

it('KyuExecutionContext says of other contexts that they are no job', () => {
  const http = { getType: () => 'http' } as never;
  expect(() => KyuExecutionContext.of(http)).toThrow(
    expect.objectContaining({
      code: 'KYU_NOT_A_JOB',
      message: expect.stringContaining('got that of type "http"'),
    }),
  );
});
