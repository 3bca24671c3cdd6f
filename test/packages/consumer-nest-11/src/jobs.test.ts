import { Test } from '@nestjs/testing';
import { getQueueToken, QueueService } from '@kyu/nestjs';
import {
  drain,
  expectEnqueued,
  KyuTestingModule,
  nextEvent,
  perform,
  withKyuTesting,
} from '@kyu/testing';
import { AppModule } from './app.module';
import { ChargeJobs, GreetingJobs, Ship } from './jobs';
import { JobLog, Timing } from './pipeline';
import { Transfers } from './transactions';

describe('the jobs of the application', () => {
  it('run in a Jest suite, which ends by itself', async () => {
    const module = await Test.createTestingModule({
      imports: [AppModule],
    }).compile();
    const app = await module.init();
    const billing = app.get<QueueService>(getQueueToken('billing'));
    for (const queue of [app.get(QueueService), billing]) {
      queue.register('add', ({ a, b }: { a: number; b: number }) => a + b);
      const settled = nextEvent(queue.events, 'job.settled');
      const id = await queue.enqueue('add', { a: 1, b: 2 });
      await settled;
      expect((await queue.inspect(id)).result).toBe(3);
    }
    await app.close();
  });

  it('run without servers, of single providers, and nothing has to be closed', async () => {
    const module = await Test.createTestingModule({
      imports: [
        KyuTestingModule.forRoot({
          mode: 'manual',
          options: { interceptors: [Timing] },
        }),
        KyuTestingModule.forRoot({ mode: 'inline', name: 'billing' }),
      ],
      providers: [GreetingJobs, ChargeJobs, JobLog],
    }).compile();
    await module.init();
    const queue = module.get(QueueService);
    const billing = module.get<QueueService>(getQueueToken('billing'));

    await queue.enqueue(Ship, { order: 'no. 7' });
    await queue.enqueue('greet', { name: 'Ada' });
    expect(await drain(queue)).toMatchObject({ completed: 2 });
    const [ship] = await expectEnqueued(queue, Ship, {
      where: { order: expect.stringContaining('7') },
      count: 1,
    });
    expect(ship!.result).toBe('filter: no. 7');
    expect(await perform(queue, 'greet', { name: 'Bob' })).toBe(
      'Hello BOB, attempt 1',
    );
    await billing.enqueue('charge', { paid: true });
    await expect(billing.enqueue('charge', { paid: false })).rejects.toThrow(
      'Forbidden resource',
    );
    expect(module.get(JobLog).lines).toContain('kyu interceptor: ship');
  });

  it('belong to the transactions of the whole application, without tables of Kyu', async () => {
    const module = await withKyuTesting(
      Test.createTestingModule({ imports: [AppModule] }),
      { mode: 'manual' },
    ).compile();
    const app = await module.init();
    await app.get(Transfers).enqueue();
    const jobs = await expectEnqueued(app.get(QueueService), 'transfer');
    expect(jobs.map(({ payload }) => payload)).toEqual(['stays']);
    await app.close();
  });

  it('run on servers, too', async () => {
    const module = await Test.createTestingModule({
      imports: [
        KyuTestingModule.forRoot({ mode: 'real' }),
        KyuTestingModule.forRoot({ mode: 'real', name: 'billing' }),
      ],
      providers: [GreetingJobs, ChargeJobs, JobLog],
    }).compile();
    await module.init();
    const queue = module.get(QueueService);
    await queue.enqueue('greet', { name: 'Ada' });
    expect(await drain(queue)).toMatchObject({ completed: 1 });
    await module.close();
  });
});
