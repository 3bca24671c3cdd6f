import { AsyncLocalStorage } from 'node:async_hooks';
import { jest } from '@jest/globals';
import {
  Injectable,
  Logger,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import {
  currentJob,
  InvalidJobError,
  JobHandler,
  JobLogger,
  type KyuContextOptions,
} from '@kyu/nestjs';
import type { Observable } from 'rxjs';
import { runJob } from '../support/run-job.js';
import { startKyu, type TestKyu } from '../support/start-kyu.js';

interface Store {
  tenant: string;
}

const store = new AsyncLocalStorage<Store | undefined>();
const own: KyuContextOptions = {
  capture: () => store.getStore(),
  run: (context: Store | undefined, next) => store.run(context, next),
};
const tenant = (): string | undefined => store.getStore()?.tenant;

let seen: Record<string, unknown>;
beforeEach(() => {
  seen = {};
});

@Injectable()
class Guard implements CanActivate {
  canActivate(): boolean {
    seen.guard = tenant();
    return true;
  }
}

@Injectable()
class Interceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    seen.interceptor = tenant();
    return next.handle();
  }
}

@Injectable()
class Outermost implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    seen.outermost = tenant();
    return next.handle();
  }
}

@Injectable()
class Jobs {
  @JobHandler('work', { maxRetries: 0 })
  @UseGuards(Guard)
  @UseInterceptors(Interceptor)
  async work(): Promise<string | undefined> {
    await Promise.resolve();
    seen.handler = tenant();
    seen.job = currentJob();
    return tenant();
  }
}

const inTenant = <T>(name: string, work: () => T): T =>
  store.run({ tenant: name }, work);

describe('the context of the application', () => {
  it('is captured at enqueue and there again for interceptors, guards and the handler', async () => {
    const kyu = await startKyu({
      providers: [Jobs],
      options: { context: own, interceptors: [Outermost] },
    });
    const job = await inTenant('acme', () => runJob(kyu.app, 'work'));
    expect(job).toMatchObject({
      status: 'completed',
      result: 'acme',
      context: { user: { tenant: 'acme' } },
    });
    expect(seen).toEqual({
      outermost: 'acme',
      guard: 'acme',
      interceptor: 'acme',
      handler: 'acme',
      job: undefined,
    });
  });

  it('is each caller’s own, in calls that share a statement', async () => {
    const kyu = await startKyu({
      options: { context: own, mode: 'producer' },
    });
    const names = Array.from({ length: 20 }, (_, n) => `tenant ${n}`);
    const ids = await Promise.all(
      names.map((name) =>
        inTenant(name, () => kyu.queue.enqueue('work', null)),
      ),
    );
    const stored = await Promise.all(ids.map((id) => kyu.queue.inspect(id)));
    expect(stored.map(({ context }) => context)).toEqual(
      names.map((name) => ({ user: { tenant: name } })),
    );
  });

  it('travels with all jobs of enqueueMany()', async () => {
    const kyu = await startKyu({ options: { context: own, mode: 'producer' } });
    const [, id] = await inTenant('acme', () =>
      kyu.queue.enqueueMany([
        { type: 'a', payload: 1 },
        { type: 'b', payload: 2 },
      ]),
    );
    expect((await kyu.queue.inspect(id!)).context).toEqual({
      user: { tenant: 'acme' },
    });
  });

  it('travels on with what the handler enqueues, and to a retry', async () => {
    const attempts: (string | undefined)[] = [];
    let child = '';
    const kyu: TestKyu = await startKyu({
      options: { context: own, mode: 'producer', backoff: { base: 1 } },
      handlers: {
        parent: async () => {
          child = await kyu.queue.enqueue('child', null);
        },
        child: () => {
          attempts.push(tenant());
          if (attempts.length === 1) throw new Error('once more');
        },
      },
    });
    await inTenant('acme', () => kyu.queue.enqueue('parent', null));
    while (attempts.length < 2) await kyu.queue.runOnce();
    expect(attempts).toEqual(['acme', 'acme']);
    expect((await kyu.queue.inspect(child)).context).toEqual({
      user: { tenant: 'acme' },
    });
  });

  it('is nothing for a job without, whoever has enqueued before', async () => {
    const kyu = await startKyu({
      providers: [Jobs],
      options: { context: own },
    });
    await inTenant('acme', () => runJob(kyu.app, 'work'));
    const job = await runJob(kyu.app, 'work');
    expect(job).toMatchObject({
      status: 'completed',
      result: null,
      context: null,
    });
  });

  it('does not leak from one caller to those who hear of the batch', async () => {
    const kyu = await startKyu({ options: { context: own, mode: 'producer' } });
    const heard: (string | undefined)[] = [];
    kyu.events.on('job.enqueued', () => heard.push(tenant()));
    await Promise.all(
      ['a', 'b'].map((name) =>
        inTenant(name, () => kyu.queue.enqueue('work', null)),
      ),
    );
    expect(heard).toEqual([undefined, undefined]);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      'is too large',
      () => 'x'.repeat(4096 - 1),
      /has 4097 bytes of JSON, the limit is 4096/,
    ],
    ['has no JSON', () => ({ n: 1n }), /cannot be written as JSON/],
    [
      'could not be captured',
      () => {
        throw new Error('no tenant');
      },
      /capture\(\) threw: no tenant/,
    ],
  ])(
    'refuses the job when it %s, and stores nothing',
    async (_, capture, message) => {
      const kyu = await startKyu({
        options: { context: { ...own, capture }, mode: 'producer' },
      });
      const enqueued = kyu.queue.enqueue('work', null);
      await expect(enqueued).rejects.toThrow(message);
      await expect(enqueued).rejects.toBeInstanceOf(InvalidJobError);
      expect(await kyu.sql('SELECT 1 FROM jobs')).toEqual([]);
    },
  );

  it('takes 4096 bytes', async () => {
    const kyu = await startKyu({
      options: {
        context: { ...own, capture: () => 'x'.repeat(4096 - 2) },
        mode: 'producer',
      },
    });
    await expect(kyu.queue.enqueue('work', null)).resolves.toBeDefined();
  });

  it('fails the run, as a handler would, when it cannot be restored', async () => {
    const kyu = await startKyu({
      providers: [Jobs],
      options: {
        context: {
          capture: () => undefined,
          run: () => {
            throw new Error('tenant unknown');
          },
        },
      },
    });
    expect(await runJob(kyu.app, 'work')).toMatchObject({
      status: 'dead',
      errorMessage: 'tenant unknown',
    });
  });
});

describe('currentJob()', () => {
  it('is the job of the run under way, and nothing outside', async () => {
    const kyu = await startKyu({
      providers: [Jobs],
      options: { currentJob: true },
    });
    const { id } = await runJob(kyu.app, 'work');
    expect(seen.job).toMatchObject({ id, type: 'work', attempt: 1 });
    expect(currentJob()).toBeUndefined();
  });

  it('tells jobs that run at once apart', async () => {
    const kyu = await startKyu({
      options: { currentJob: true, mode: 'producer', workers: 5 },
      handlers: {
        work: async () => {
          const before = currentJob()?.id;
          await new Promise((resolve) => {
            setImmediate(resolve);
          });
          return [before, currentJob()?.id];
        },
      },
    });
    const ids = await kyu.queue.enqueueMany(
      Array.from({ length: 5 }, () => ({ type: 'work', payload: null })),
    );
    await kyu.queue.runOnce();
    const jobs = await Promise.all(ids.map((id) => kyu.queue.inspect(id)));
    expect(jobs.map(({ result }) => result)).toEqual(ids.map((id) => [id, id]));
  });
});

describe('JobLogger', () => {
  it('names the job in each line that a handler writes through Nest’s Logger, and in no other', async () => {
    const lines: string[] = [];
    const kyu = await startKyu({
      options: { currentJob: true },
      handlers: {
        work: async () => {
          await Promise.resolve();
          new Logger('Mail').log('sent');
        },
      },
    });
    const write = jest
      .spyOn(process.stdout, 'write')
      .mockImplementation((line) => lines.push(String(line)) > 0);
    Logger.overrideLogger(new JobLogger({ json: true }));
    try {
      const { id } = await runJob(kyu.app, 'work');
      new Logger('Mail').log('idle');
      const records = lines.map((line) => JSON.parse(line) as object);
      expect(records).toMatchObject([
        {
          context: 'Mail',
          message: 'sent',
          job: { id, type: 'work', attempt: 1 },
        },
        { message: 'idle' },
      ]);
      expect(records[1]).not.toHaveProperty('job');
    } finally {
      write.mockRestore();
      Logger.overrideLogger(false);
    }
  });
});
