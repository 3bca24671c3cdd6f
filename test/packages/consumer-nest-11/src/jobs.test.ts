import { Test } from '@nestjs/testing';
import { getQueueToken, QueueService } from '@kyu/nestjs';
import { nextEvent } from '@kyu/testing';
import { AppModule } from './app.module';

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
});
