import { jest } from '@jest/globals';
import {
  createParamDecorator,
  Inject,
  Injectable,
  Scope,
  SetMetadata,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ExecutionContext,
  type INestApplicationContext,
} from '@nestjs/common';
import {
  ContextIdFactory,
  REQUEST,
  type ContextId,
  type HostComponentInfo,
} from '@nestjs/core';
import {
  JobHandler,
  JobPayload,
  KyuExecutionContext,
  OnJobEvent,
} from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { map } from 'rxjs';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

const OnlyPaid = UseGuards({
  canActivate: (context: ExecutionContext) =>
    KyuExecutionContext.of<string>(context).payload !== 'unpaid',
});

/** What a decorator of the application's own sees as the handler. */
const Role = createParamDecorator((_: unknown, context: ExecutionContext) =>
  Reflect.getMetadata('role', context.getHandler()),
);

/** Everything that Nest puts around a method. */
class Refunds {
  @JobHandler('refund')
  @SetMetadata('role', 'clerk')
  @OnlyPaid
  @UseInterceptors({
    intercept: (context, next) =>
      next
        .handle()
        .pipe(
          map(
            (value) =>
              `${Reflect.getMetadata('role', context.getHandler())}(${value})`,
          ),
        ),
  })
  @UsePipes({ transform: (value: string) => value.toUpperCase() })
  @UseFilters({
    catch: (error: Error) => {
      throw new Error(`filtered: ${error.message}`);
    },
  })
  refund(@JobPayload() payload: string, @Role() role: string): string {
    return `${payload} by ${role}`;
  }
}

/** The ends of a refund that the guard lets pass and of one that it stops, and how often the method was called for them. */
async function endsOf(
  app: INestApplicationContext,
  calls: () => number,
): Promise<unknown[]> {
  const before = calls();
  const passed = await runJob(app, 'refund', 'no. 7');
  const stopped = await runJob(app, 'refund', 'unpaid');
  return [passed.result, stopped.errorMessage, calls() - before];
}

/** The pipe of the method sees the role as well: both are parameters that the application fills. */
const ALL_AROUND = ['clerk(NO. 7 by CLERK)', 'filtered: Forbidden resource', 1];

describe('field 03: guards and their like around a method that was wrapped or spied', () => {
  it('before the first job, by the instance itself', async () => {
    let calls = 0;
    class Wrapping extends Refunds {
      onModuleInit(): void {
        const own = this.refund.bind(this);
        this.refund = (...args) => {
          calls++;
          return own(...args);
        };
      }
    }
    const { app } = await startKyu({ providers: [Wrapping] });
    expect(await endsOf(app, () => calls)).toEqual(ALL_AROUND);
  });

  it('before the first job, by a spy on the instance', async () => {
    const { app } = await startKyu({ providers: [Refunds] });
    const spy = jest.spyOn(app.get(Refunds), 'refund');
    expect(await endsOf(app, () => spy.mock.calls.length)).toEqual(ALL_AROUND);
  });

  it('before the first job, by a spy on the prototype', async () => {
    class OfThisTest extends Refunds {}
    const { app } = await startKyu({ providers: [OfThisTest] });
    const spy = jest.spyOn(Refunds.prototype, 'refund');
    try {
      expect(await endsOf(app, () => spy.mock.calls.length)).toEqual(
        ALL_AROUND,
      );
    } finally {
      spy.mockRestore();
    }
  });

  it('after the first job: the spy is called, and no longer once it is restored', async () => {
    const { app } = await startKyu({ providers: [Refunds] });
    await runJob(app, 'refund', 'no. 6');
    const spy = jest
      .spyOn(app.get(Refunds), 'refund')
      .mockReturnValueOnce('mocked');
    expect((await runJob(app, 'refund', 'no. 7')).result).toBe('clerk(mocked)');
    spy.mockClear();
    expect(await endsOf(app, () => spy.mock.calls.length)).toEqual(ALL_AROUND);
    spy.mockRestore();
    expect((await runJob(app, 'refund', 'no. 8')).result).toBe(
      'clerk(NO. 8 by CLERK)',
    );
  });

  it.each([
    ['request-scoped', { scope: Scope.REQUEST }],
    ['durable', { scope: Scope.REQUEST, durable: true }],
    ['transient', { scope: Scope.TRANSIENT }],
  ])('in the constructor of a %s handler', async (_, options) => {
    let calls = 0;
    @Injectable(options)
    class Wrapping extends Refunds {
      constructor() {
        super();
        const own = this.refund.bind(this);
        this.refund = (...args) => {
          calls++;
          return own(...args);
        };
      }
    }
    const { app } = await startKyu({ providers: [Wrapping] });
    expect(await endsOf(app, () => calls)).toEqual(ALL_AROUND);
  });

  it('in the instance that durable jobs share, by a spy between two jobs', async () => {
    const instances = new Set<Durable>();
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class Durable extends Refunds {
      constructor(@Inject(REQUEST) _request: unknown) {
        super();
        instances.add(this);
      }
    }
    const shared = ContextIdFactory.create();
    const none = ContextIdFactory['strategy'];
    ContextIdFactory.apply({
      attach: (contextId: ContextId) => ({
        resolve: (info: HostComponentInfo) =>
          info.isTreeDurable ? shared : contextId,
        payload: {},
      }),
    });
    try {
      const { app } = await startKyu({ providers: [Durable] });
      await runJob(app, 'refund', 'no. 6');
      const [instance] = instances;
      const spy = jest.spyOn(instance!, 'refund');
      expect(await endsOf(app, () => spy.mock.calls.length)).toEqual(
        ALL_AROUND,
      );
      expect(instances.size).toBe(1);
    } finally {
      // The strategy is the process's; there is no way to take it back but this.
      ContextIdFactory['strategy'] = none;
    }
  });

  it('a listener that is spied is heard as well', async () => {
    class Listener {
      @OnJobEvent('completed')
      heard(_event: unknown): void {}
    }
    const { app } = await startKyu({ providers: [Listener, Refunds] });
    const spy = jest.spyOn(app.get(Listener), 'heard');
    await runJob(app, 'refund', 'no. 7');
    await until('the listener was called', () => spy.mock.calls.length > 0);
    expect(spy.mock.calls).toMatchObject([[{ jobType: 'refund' }]]);
  });
});
