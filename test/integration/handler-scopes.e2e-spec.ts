import { Controller, Inject, Injectable, Module, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { JobContext, JobHandler, JobPayload } from '@kyu/nestjs';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

describe('a request-scoped handler', () => {
  it('is a new instance for each job, and REQUEST is the job context', async () => {
    const seen: { instance: object; request: JobContext; job: JobContext }[] =
      [];
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      constructor(@Inject(REQUEST) private readonly request: JobContext) {}
      @JobHandler('scoped')
      run(
        @JobPayload() payload: string,
        @JobContext() job: JobContext,
      ): string {
        seen.push({ instance: this, request: this.request, job });
        return `${payload} of ${this.request.id}`;
      }
    }
    const { app } = await startKyu({ providers: [Scoped] });
    const first = await runJob(app, 'scoped', 'a');
    const second = await runJob(app, 'scoped', 'b');
    expect(first.result).toBe(`a of ${first.id}`);
    expect(second.result).toBe(`b of ${second.id}`);
    expect(seen[0]!.instance).not.toBe(seen[1]!.instance);
    expect(seen[0]!.request).toBe(seen[0]!.job);
  });

  it('is a new instance for each try of one job', async () => {
    const instances = new Set<object>();
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      @JobHandler('twice')
      run(@JobContext() { attempt }: JobContext): void {
        instances.add(this);
        if (attempt === 1) throw new Error('again');
      }
    }
    const kyu = await startKyu({
      providers: [Scoped],
      options: { backoff: { base: '1ms' } },
    });
    const completed = kyu.nextEvent(
      'job.settled',
      ({ status }) => status === 'completed',
    );
    await kyu.queue.enqueue('twice', null);
    await completed;
    expect(instances.size).toBe(2);
  });

  it('may be so because of what it depends on', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Tenant {
      constructor(@Inject(REQUEST) readonly job: JobContext) {}
    }
    @Injectable()
    class Mails {
      constructor(private readonly tenant: Tenant) {}
      @JobHandler('send')
      send(): string {
        return this.tenant.job.type;
      }
    }
    const { app } = await startKyu({ providers: [Tenant, Mails] });
    expect((await runJob(app, 'send')).result).toBe('send');
  });

  it('may stand in a controller, in a feature module, and under a token of its own', async () => {
    @Controller({ path: 'c', scope: Scope.REQUEST })
    class ScopedController {
      constructor(@Inject(REQUEST) private readonly job: JobContext) {}
      @JobHandler('controller')
      run(): string {
        return this.job.type;
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class InFeature {
      constructor(@Inject(REQUEST) private readonly job: JobContext) {}
      @JobHandler('feature')
      run(): string {
        return this.job.type;
      }
    }
    @Module({ providers: [{ provide: 'OWN', useClass: InFeature }] })
    class FeatureModule {}
    const { app } = await startKyu({
      controllers: [ScopedController],
      imports: [FeatureModule],
    });
    expect(await runJob(app, 'controller')).toMatchObject({
      result: 'controller',
    });
    expect(await runJob(app, 'feature')).toMatchObject({ result: 'feature' });
  });

  it('is that of its own module, whatever another has under the same token', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class OfA {
      @JobHandler('a')
      run(): string {
        return 'of a';
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class OfB {
      @JobHandler('b')
      run(): string {
        return 'of b';
      }
    }
    @Module({ providers: [{ provide: 'JOBS', useClass: OfA }] })
    class ModuleA {}
    @Module({ providers: [{ provide: 'JOBS', useClass: OfB }] })
    class ModuleB {}
    const { app } = await startKyu({ imports: [ModuleA, ModuleB] });
    expect((await runJob(app, 'a')).result).toBe('of a');
    expect((await runJob(app, 'b')).result).toBe('of b');
  });

  it('runs many jobs at once, each with its own context', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      constructor(@Inject(REQUEST) private readonly job: JobContext) {}
      @JobHandler('many')
      async run(): Promise<string> {
        await new Promise(setImmediate);
        return this.job.id;
      }
    }
    const { app } = await startKyu({
      providers: [Scoped],
      options: { workers: 10 },
    });
    const jobs = await Promise.all(
      Array.from({ length: 30 }, () => runJob(app, 'many')),
    );
    expect(jobs.map(({ result }) => result)).toEqual(jobs.map(({ id }) => id));
  });

  it('fails the job, not the process, when its constructor throws', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Broken {
      constructor() {
        throw new Error('no such tenant');
      }
      @JobHandler('broken')
      run(): void {}
    }
    const { app } = await startKyu({ providers: [Broken] });
    expect(await runJob(app, 'broken')).toMatchObject({
      status: 'failed',
      errorMessage: 'no such tenant',
    });
  });

  it('takes its options from the decorator like any other', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      @JobHandler('opts', { maxRetries: 9 })
      run(): void {}
    }
    const { app } = await startKyu({ providers: [Scoped] });
    expect((await runJob(app, 'opts')).maxRetries).toBe(9);
  });
});

describe('a transient handler', () => {
  it('is a new instance for each job', async () => {
    const instances = new Set<object>();
    @Injectable({ scope: Scope.TRANSIENT })
    class Transient {
      @JobHandler('transient')
      run(): void {
        instances.add(this);
      }
    }
    const { app } = await startKyu({ providers: [Transient] });
    await runJob(app, 'transient');
    await runJob(app, 'transient');
    expect(instances.size).toBe(2);
  });
});

describe('a handler of the default scope', () => {
  it('is the one instance that the application injects', async () => {
    @Injectable()
    class Single {
      calls = 0;
      @JobHandler('single')
      run(): number {
        return ++this.calls;
      }
    }
    const { app } = await startKyu({ providers: [Single] });
    await runJob(app, 'single');
    await runJob(app, 'single');
    expect(app.get(Single).calls).toBe(2);
  });
});
