import {
  Controller,
  Injectable,
  Module,
  Scope,
  SetMetadata,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import {
  JobHandler,
  JobPayload,
  KyuModule,
  type JobContext,
} from '@kyu/nestjs';
import { map } from 'rxjs';
import { bootApp, newGround } from '../support/boot-app.js';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

@Injectable()
class Settings {
  allowed = 'Ada';
}

/** Lets jobs through whose payload is the allowed name. Its dependency shows that Nest made it. */
@Injectable()
class AllowedOnly implements CanActivate {
  constructor(private readonly settings: Settings) {}
  canActivate(context: ExecutionContext): boolean {
    return context.switchToRpc().getData<unknown>() === this.settings.allowed;
  }
}

@Injectable()
class Named implements NestInterceptor {
  constructor(private readonly settings: Settings) {}
  intercept(_: ExecutionContext, next: CallHandler) {
    return next
      .handle()
      .pipe(map((result) => `${this.settings.allowed}: ${String(result)}`));
  }
}

@Injectable()
class Upper implements PipeTransform<unknown, string> {
  transform(value: unknown): string {
    return String(value).toUpperCase();
  }
}

describe('guards', () => {
  it('on method and class keep jobs out: the job fails, the handler is not called', async () => {
    let calls = 0;
    class OnMethod {
      @JobHandler('method')
      @UseGuards(AllowedOnly)
      run(): number {
        return ++calls;
      }
    }
    @UseGuards(AllowedOnly)
    class OnClass {
      @JobHandler('class')
      run(): number {
        return ++calls;
      }
    }
    const { app } = await startKyu({
      providers: [Settings, OnMethod, OnClass],
    });
    for (const type of ['method', 'class']) {
      calls = 0;
      expect(await runJob(app, type, 'Eve')).toMatchObject({
        status: 'failed',
        errorMessage: 'Forbidden resource',
      });
      expect(calls).toBe(0);
      expect((await runJob(app, type, 'Ada')).status).toBe('completed');
    }
  });

  it('run outside the interceptors of their method, inside those for all jobs', async () => {
    const lines: string[] = [];
    const say = (name: string): NestInterceptor => ({
      intercept: (_, next) => {
        lines.push(name);
        return next.handle();
      },
    });
    class Jobs {
      @JobHandler('job')
      @UseInterceptors(say('method'))
      @UseGuards({ canActivate: () => lines.push('guard') > 0 })
      run(): void {
        lines.push('handler');
      }
    }
    const { app } = await startKyu({
      providers: [Jobs],
      options: { interceptors: [say('root')] },
    });
    await runJob(app, 'job');
    expect(lines).toEqual(['root', 'guard', 'method', 'handler']);
  });
});

/** Wherever Nest finds a handler, the enhancers of its class must hold: a guard that is passed over is a hole. */
describe.each(['provider', 'controller', 'token', 'scoped'] as const)(
  'enhancer classes on a handler that is a %s',
  (kind) => {
    const kindOfClass =
      kind === 'controller'
        ? Controller()
        : Injectable({
            scope: kind === 'scoped' ? Scope.REQUEST : Scope.DEFAULT,
          });
    @kindOfClass
    @UseGuards(AllowedOnly)
    class Jobs {
      @JobHandler('job')
      @UseInterceptors(Named)
      run(@JobPayload(Upper) name: string): string {
        return name;
      }
    }
    @Module({
      providers: {
        controller: [Settings],
        provider: [Settings, Jobs],
        scoped: [Settings, Jobs],
        token: [Settings, { provide: 'T', useClass: Jobs }],
      }[kind],
      controllers: kind === 'controller' ? [Jobs] : [],
    })
    class Feature {}

    it('guards', async () => {
      const { app } = await startKyu({ imports: [Feature] });
      expect(await runJob(app, 'job', 'Eve')).toMatchObject({
        status: 'failed',
        errorMessage: 'Forbidden resource',
      });
    });

    it('interceptors and pipes', async () => {
      const { app } = await startKyu({ imports: [Feature] });
      expect((await runJob(app, 'job', 'Ada')).result).toBe('Ada: ADA');
    });
  },
);

/** Nest makes no enhancers for what it did not make itself. Then the boot must say so: a handler whose guard is passed over is open to all. */
it.each(['factory', 'value'])(
  'a guard class on a handler that is a %s holds, or the boot refuses it',
  async (kind) => {
    @UseGuards(AllowedOnly)
    class Jobs {
      @JobHandler('job')
      run(): void {}
    }
    const boot = bootApp({
      imports: [KyuModule.forRoot(newGround().options())],
      providers: [
        Settings,
        kind === 'value'
          ? { provide: 'V', useValue: new Jobs() }
          : { provide: 'F', useFactory: () => new Jobs() },
      ],
    });
    const app = await boot.catch((error: Error) => error);
    if (app instanceof Error) expect(app.message).toContain('AllowedOnly');
    else expect((await runJob(app, 'job', 'Eve')).status).toBe('failed');
  },
);

describe('pipes', () => {
  it('on method and class see each decorated parameter', async () => {
    const seen: unknown[] = [];
    const spy: PipeTransform = {
      transform: (value, { metatype, type }) => {
        seen.push([type, metatype?.name]);
        return value as unknown;
      },
    };
    class Letter {
      to: string;
    }
    class Jobs {
      @JobHandler('job')
      @UsePipes(spy)
      run(@JobPayload() _letter: Letter): void {}
    }
    const { app } = await startKyu({ providers: [Jobs] });
    await runJob(app, 'job', { to: 'Ada' });
    expect(seen).toEqual([['custom', 'Letter']]);
  });
});

describe('the execution context', () => {
  it.each(['root', 'method'])(
    'of an interceptor on the %s tells what runs',
    async (level) => {
      let seen: unknown;
      const look: NestInterceptor = {
        intercept(context, next) {
          const rpc = context.switchToRpc();
          seen = {
            type: context.getType<string>(),
            data: rpc.getData<unknown>(),
            job: rpc.getContext<JobContext>().type,
            args: context.getArgs<unknown[]>().length,
            host: context.getClass(),
            role: new Reflector().get<string>('role', context.getHandler()),
          };
          return next.handle();
        },
      };
      class Jobs {
        @JobHandler('job')
        @UseInterceptors(...(level === 'method' ? [look] : []))
        @SetMetadata('role', 'admin')
        run(): void {}
      }
      const { app } = await startKyu({
        providers: [Jobs],
        options: { interceptors: level === 'root' ? [look] : [] },
      });
      await runJob(app, 'job', { to: 'Ada' });
      expect(seen).toEqual({
        type: 'kyu',
        data: { to: 'Ada' },
        job: 'job',
        args: 2,
        host: Jobs,
        role: 'admin',
      });
    },
  );
});
