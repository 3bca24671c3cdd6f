import { Injectable } from '@nestjs/common';
import { getDataSourceToken, InjectRepository } from '@nestjs/typeorm';
import {
  Job,
  jobEntity,
  KYU_DATA_SOURCE,
  KyuModule,
  QueueService,
} from '@kyu/nestjs';
import { KyuTestingModule } from '@kyu/testing';
import { Test } from '@nestjs/testing';
import type { Repository } from 'typeorm';
import { openAppDataSource } from '../support/app-database.js';
import { bootApp, newGround } from '../support/boot-app.js';
import { runJob } from '../support/run-job.js';

@Injectable()
class Reports {
  constructor(
    @InjectRepository(Job, KYU_DATA_SOURCE) readonly jobs: Repository<Job>,
  ) {}
}

@Injectable()
class BillingReports {
  constructor(
    @InjectRepository(Job, `${KYU_DATA_SOURCE}:billing`)
    readonly jobs: Repository<Job>,
  ) {}
}

describe('field 10: the repository of jobs with a lent DataSource', () => {
  it.each([
    ['that does not know the entity', false],
    ['that knows it', true],
  ])('is there, with one %s', async (_, knows) => {
    const ground = newGround();
    const dataSource = await openAppDataSource({
      // What only concerns the application's own tables.
      entityPrefix: knows ? undefined : 'shop_',
      entities: knows
        ? [jobEntity({ schema: ground.schema, prefix: 'kyu_' })]
        : [],
    });
    const app = await bootApp(
      {
        imports: [
          KyuModule.forRoot(ground.options({ postgres: { dataSource } })),
        ],
        providers: [Reports],
      },
      (unbooted) => unbooted.get(QueueService).register('job', () => 'done'),
    );
    const { id } = await runJob(app, 'job', { a: 1 });
    const { jobs } = app.get(Reports);
    expect(await jobs.findOneBy({ id })).toMatchObject({
      payload: { a: 1 },
      result: 'done',
      history: [expect.objectContaining({ outcome: 'completed' })],
    });
    expect(await jobs.countBy({ status: 'completed' })).toBe(1);
    // It writes in the transactions of whom it belongs to, and of nobody else.
    expect(jobs.manager === dataSource.manager).toBe(knows);
    expect(app.get(getDataSourceToken(KYU_DATA_SOURCE))).toBe(dataSource);
  });

  it('is there in a named registration, too', async () => {
    const ground = newGround();
    const dataSource = await openAppDataSource();
    const app = await bootApp({
      imports: [
        KyuModule.forRoot({
          name: 'billing',
          ...ground.options({ postgres: { dataSource } }),
        }),
      ],
      providers: [BillingReports],
    });
    expect(await app.get(BillingReports).jobs.count()).toBe(0);
  });

  it.each(['manual', 'inline'] as const)(
    "says in mode '%s' of @kyu/testing why it cannot be used, and can be injected",
    async (mode) => {
      const module = await Test.createTestingModule({
        imports: [KyuTestingModule.forRoot({ mode })],
        providers: [Reports],
      }).compile();
      await module.init();
      const { jobs } = module.get(Reports);
      expect(() => jobs.find()).toThrow(
        `There is no PostgreSQL in mode '${mode}', so Kyu's repository of jobs has no find(): override the provider that uses it, or use mode: 'real'.`,
      );
      await module.close();
    },
  );
});
