import {
  Catch,
  Module,
  type CanActivate,
  type ExceptionFilter,
  type INestApplication,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { JobHandler, JobPayload, KyuModule, type Job } from '@kyu/nestjs';
import { bootApp, newGround } from '../support/boot-app.js';
import { runJob } from '../support/run-job.js';

/** What an application may have for all its HTTP requests; each notes what kind of context it saw. */
function enhancers(seen: Set<string>) {
  const interceptor: NestInterceptor = {
    intercept: (context, next) => {
      seen.add(`interceptor ${context.getType<string>()}`);
      return next.handle();
    },
  };
  const guard: CanActivate = {
    canActivate: (context) => {
      seen.add(`guard ${context.getType<string>()}`);
      return true;
    },
  };
  const pipe: PipeTransform = {
    transform: (value: unknown) => {
      seen.add('pipe');
      return value;
    },
  };
  @Catch()
  class Filter implements ExceptionFilter {
    catch(error: Error): string {
      seen.add('filter');
      return `filtered ${error.message}`;
    }
  }
  return { interceptor, guard, pipe, filter: new Filter() };
}

class Jobs {
  @JobHandler('job')
  run(@JobPayload() payload: string): string {
    if (payload === 'fail') throw new Error('boom');
    return payload;
  }
}

const waysToRegister = {
  'app.useGlobal…()': (each: ReturnType<typeof enhancers>) => ({
    providers: [],
    prepare: (app: INestApplication) => {
      app.useGlobalInterceptors(each.interceptor);
      app.useGlobalGuards(each.guard);
      app.useGlobalPipes(each.pipe);
      app.useGlobalFilters(each.filter);
    },
  }),
  'APP_… providers': (each: ReturnType<typeof enhancers>) => ({
    providers: [
      { provide: APP_INTERCEPTOR, useValue: each.interceptor },
      { provide: APP_GUARD, useValue: each.guard },
      { provide: APP_PIPE, useValue: each.pipe },
      { provide: APP_FILTER, useValue: each.filter },
    ],
    prepare: () => undefined,
  }),
};

async function run(
  way: keyof typeof waysToRegister,
  globalEnhancers: boolean | undefined,
): Promise<{ seen: string[]; ok: Job; failed: Job }> {
  const seen = new Set<string>();
  const { providers, prepare } = waysToRegister[way](enhancers(seen));
  @Module({ providers: [...providers, Jobs] })
  class Feature {}
  const app = await bootApp(
    {
      imports: [
        KyuModule.forRoot(newGround().options({ globalEnhancers })),
        Feature,
      ],
    },
    prepare,
  );
  const ok = await runJob(app, 'job', 'fine');
  const failed = await runJob(app, 'job', 'fail');
  return { seen: [...seen].toSorted(), ok, failed };
}

describe.each(Object.keys(waysToRegister) as (keyof typeof waysToRegister)[])(
  'enhancers of the whole application, by %s',
  (way) => {
    it('do not see jobs', async () => {
      const { seen, ok, failed } = await run(way, undefined);
      expect(seen).toEqual([]);
      expect(ok.result).toBe('fine');
      expect(failed).toMatchObject({ status: 'failed', errorMessage: 'boom' });
    });

    it('see jobs with globalEnhancers: true: guards, interceptors and pipes', async () => {
      const { seen, ok } = await run(way, true);
      expect(seen).toEqual(
        expect.arrayContaining(['guard kyu', 'interceptor kyu', 'pipe']),
      );
      expect(ok.result).toBe('fine');
    });

    it('see jobs with globalEnhancers: true: filters', async () => {
      const { seen, failed } = await run(way, true);
      expect(seen).toContain('filter');
      expect(failed).toMatchObject({
        status: 'completed',
        result: 'filtered boom',
      });
    });
  },
);

describe('enhancers of the whole application', () => {
  it('still see HTTP requests', async () => {
    const seen = new Set<string>();
    const { interceptor, guard } = enhancers(seen);
    const ground = newGround();
    const app = await bootApp(
      { imports: [KyuModule.forRoot(ground.options())], providers: [Jobs] },
      (unbooted) => {
        unbooted.useGlobalInterceptors(interceptor);
        unbooted.useGlobalGuards(guard);
      },
    );
    await app.listen(0);
    const response = await fetch(`${await app.getUrl()}/metrics`);
    expect(response.status).toBe(200);
    expect([...seen].toSorted()).toEqual(['guard http', 'interceptor http']);
  });
});
