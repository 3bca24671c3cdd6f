import { Inject, Injectable, Scope } from '@nestjs/common';
import {
  ContextIdFactory,
  REQUEST,
  type ContextId,
  type ContextIdStrategy,
} from '@nestjs/core';
import { JobHandler, type JobContext, type JobRequest } from '@kyu/nestjs';
import { runJob } from '../support/run-job.js';
import { startKyu } from '../support/start-kyu.js';

interface Tenant {
  tenantId: string;
}

/** As Nest's documentation has it, with a job for the request. */
class ByTenant implements ContextIdStrategy<JobRequest> {
  private readonly subtrees = new Map<string, ContextId>();

  attach(contextId: ContextId, { payload }: JobRequest) {
    const { tenantId } = payload as Tenant;
    const subtree = this.subtrees.get(tenantId) ?? ContextIdFactory.create();
    this.subtrees.set(tenantId, subtree);
    return {
      resolve: ({ isTreeDurable }: { isTreeDurable: boolean }) =>
        isTreeDurable ? subtree : contextId,
      payload: { tenantId },
    };
  }
}

@Injectable({ scope: Scope.REQUEST, durable: true })
class TenantDatabase {
  static made: string[] = [];
  constructor(@Inject(REQUEST) readonly tenant: Tenant) {
    TenantDatabase.made.push(tenant.tenantId);
  }
}

const none = ContextIdFactory['strategy'];
beforeEach(() => {
  TenantDatabase.made = [];
  ContextIdFactory.apply(new ByTenant());
});
afterEach(() => {
  // The strategy is the process's; there is no way to take it back but this.
  ContextIdFactory['strategy'] = none;
});

describe('a durable handler', () => {
  it('is made once for each tenant, with what it depends on', async () => {
    const instances = new Set<object>();
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class Reports {
      constructor(private readonly database: TenantDatabase) {}
      @JobHandler('report')
      report(payload: Tenant): string[] {
        instances.add(this);
        return [payload.tenantId, this.database.tenant.tenantId];
      }
    }
    const { app } = await startKyu({ providers: [Reports, TenantDatabase] });
    for (const tenantId of ['acme', 'globex', 'acme', 'globex', 'acme']) {
      const job = await runJob(app, 'report', { tenantId });
      expect(job.result).toEqual([tenantId, tenantId]);
    }
    expect(instances.size).toBe(2);
    expect(TenantDatabase.made).toEqual(['acme', 'globex']);
  });

  it('may be so because of what it depends on', async () => {
    @Injectable()
    class Reports {
      constructor(private readonly database: TenantDatabase) {}
      @JobHandler('report')
      report(): string {
        return this.database.tenant.tenantId;
      }
    }
    const { app } = await startKyu({ providers: [Reports, TenantDatabase] });
    for (const tenantId of ['acme', 'acme'])
      expect((await runJob(app, 'report', { tenantId })).result).toBe('acme');
    expect(TenantDatabase.made).toEqual(['acme']);
  });

  it('runs jobs of two tenants at once, each with its own', async () => {
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class Reports {
      constructor(private readonly database: TenantDatabase) {}
      @JobHandler('report')
      async report(): Promise<string> {
        await new Promise(setImmediate);
        return this.database.tenant.tenantId;
      }
    }
    const { app } = await startKyu({ providers: [Reports, TenantDatabase] });
    const tenants = Array.from({ length: 20 }, (_, i) => `tenant ${i % 2}`);
    const jobs = await Promise.all(
      tenants.map((tenantId) => runJob(app, 'report', { tenantId })),
    );
    expect(jobs.map(({ result }) => result)).toEqual(tenants);
    expect(TenantDatabase.made.toSorted()).toEqual(['tenant 0', 'tenant 1']);
  });
});

describe('a request-scoped handler beside a strategy', () => {
  it('is one for each job; REQUEST is the job with what the strategy adds, and its database the tenant’s', async () => {
    const instances = new Set<object>();
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      constructor(
        @Inject(REQUEST) private readonly job: JobRequest & Tenant,
        private readonly database: TenantDatabase,
      ) {}
      @JobHandler('scoped')
      run(payload: Tenant, context: JobContext): unknown[] {
        instances.add(this);
        return [
          this.job.id === context.id,
          this.job.payload === payload,
          this.job.tenantId,
          this.database.tenant.tenantId,
        ];
      }
    }
    const { app } = await startKyu({ providers: [Scoped, TenantDatabase] });
    for (const tenantId of ['acme', 'acme'])
      expect((await runJob(app, 'scoped', { tenantId })).result).toEqual([
        true,
        true,
        'acme',
        'acme',
      ]);
    expect(instances.size).toBe(2);
    expect(TenantDatabase.made).toEqual(['acme']);
  });
});

describe('a strategy that throws', () => {
  it('fails the job, not the process', async () => {
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class Reports {
      @JobHandler('report')
      report(): void {}
    }
    const { app } = await startKyu({ providers: [Reports] });
    expect(await runJob(app, 'report', null)).toMatchObject({
      status: 'failed',
    });
    expect(await runJob(app, 'report', { tenantId: 'a' })).toMatchObject({
      status: 'completed',
    });
  });
});
