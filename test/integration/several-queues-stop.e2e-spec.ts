import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { getQueueToken, KyuModule, QueueService } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { bootApp, newGround } from '../support/boot-app.js';
import { Gate } from '../support/gate.js';

const twoRegistrations = () => {
  const [main, billing] = [newGround(), newGround()];
  const imports = [
    KyuModule.forRoot(main.options()),
    KyuModule.forRoot({ name: 'billing', ...billing.options() }),
  ];
  return { main, billing, imports };
};

describe('a stop of an application with two registrations', () => {
  it.each(['default', 'billing'])(
    'stops both at once, whichever drains longer: %s',
    async (slow) => {
      const { main, billing, imports } = twoRegistrations();
      const app = await bootApp({ imports });
      const queues = {
        default: app.get(QueueService),
        billing: app.get<QueueService>(getQueueToken('billing')),
      };
      const [busy, idle] =
        slow === 'default'
          ? [queues.default, queues.billing]
          : [queues.billing, queues.default];
      const gate = new Gate();
      busy.register('slow', () => gate.wait());
      let claimed = 0;
      idle.register('job', () => void claimed++);
      await busy.enqueue('slow', null);
      await until('the handler to run', () => gate.arrivals === 1);

      const closed = app.close();
      const grounds = slow === 'default' ? [main, billing] : [billing, main];
      await until('the stop to wait', () =>
        grounds[0]!.logger
          .messages('log')
          .some((line) => line.includes('waiting for 1')),
      );
      // The other one has left its registry of workers while this one still drains.
      await until('the idle one to be gone', async () => {
        const rows = await grounds[1]!.sql('SELECT FROM workers');
        return rows.length === 0;
      });
      await idle.enqueue('job', null);
      gate.open();
      await closed;
      expect(claimed).toBe(0);
    },
  );

  it('lets a handler enqueue in the other queue while it drains', async () => {
    const { billing, imports } = twoRegistrations();
    const app = await bootApp({ imports });
    const other = app.get<QueueService>(getQueueToken('billing'));
    const gate = new Gate();
    app.get(QueueService).register('order', async () => {
      await gate.wait();
      return other.enqueue('charge', 'late');
    });
    await app.get(QueueService).enqueue('order', null);
    await until('the handler to run', () => gate.arrivals === 1);
    const closed = app.close();
    await until('the other one to have stopped', async () => {
      const rows = await billing.sql('SELECT FROM workers');
      return rows.length === 0;
    });
    gate.open();
    await closed;
    expect(await billing.sql('SELECT status, payload FROM jobs')).toEqual([
      { status: 'pending', payload: 'late' },
    ]);
  });
});

describe('a boot that fails in one registration', () => {
  it('leaves no worker of the other one behind', async () => {
    const { main, imports } = twoRegistrations();
    let bootstrapped = 0;
    @Injectable()
    class Late implements OnApplicationBootstrap {
      constructor(private readonly queue: QueueService) {}
      onApplicationBootstrap(): void {
        bootstrapped++;
        this.queue.register('job', () => undefined);
      }
    }
    const broken = newGround();
    const boot = bootApp(
      {
        imports: [
          ...imports,
          KyuModule.forRoot({ name: 'broken', ...broken.options() }),
        ],
        providers: [Late],
      },
      (app) => {
        // Whatever goes wrong when it starts.
        const queue = app.get<QueueService>(getQueueToken('broken'));
        Object.assign(queue['announcer']['readyQueue'], {
          open: () => Promise.reject(new Error('no such key')),
        });
      },
    );
    await expect(boot).rejects.toThrow('no such key');
    expect(bootstrapped).toBe(1);
    expect(await main.sql('SELECT FROM workers')).toEqual([]);
  });
});
