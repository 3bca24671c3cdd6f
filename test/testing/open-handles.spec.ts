import { QueueService } from '@kyu/nestjs';
import { Test } from '@nestjs/testing';
import { drain, KyuTestingModule, withKyuTesting } from '@kyu/testing';
import { expectNoMoreThan, openHandles } from '../support/open-handles.js';
import { AppModule, EmailModule, SendEmail } from './shop.js';

/** Nothing is open even before the application is closed: a suite that forgets to close it ends all the same. */
it.each(['manual', 'inline'] as const)(
  'mode %s opens nothing, with an application that is not closed',
  async (mode) => {
    const before = await openHandles();
    const feature = Test.createTestingModule({
      imports: [KyuTestingModule.forRoot({ mode }), EmailModule],
    });
    const app = withKyuTesting(
      Test.createTestingModule({ imports: [AppModule] }),
      { mode },
    );
    for (const builder of [feature, app]) {
      const module = await (await builder.compile()).init();
      const queue = module.get(QueueService);
      await queue.enqueue(SendEmail, { to: 'a@x.org' });
      await queue.enqueue('slow', null).catch(() => undefined);
      await drain(queue, { withScheduled: true });
    }
    expect(await expectNoMoreThan(before)).toBeUndefined();
  },
);
