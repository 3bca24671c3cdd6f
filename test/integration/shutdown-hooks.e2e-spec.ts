import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { KyuModule, QueueService } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { bootApp, newGround } from '../support/boot-app.js';
import { Gate } from '../support/gate.js';
import { runJob } from '../support/run-job.js';
import { POSTGRES_URL } from '../support/servers.js';
import { startKyu } from '../support/start-kyu.js';
import { TcpProxy } from '../../libs/kyu-testing/src/real/tcp-proxy.js';

describe('the hooks of the application', () => {
  it('onModuleDestroy may take long: no job is claimed from its begin on', async () => {
    const gate = new Gate();
    @Injectable()
    class SlowToDestroy implements OnModuleDestroy {
      onModuleDestroy(): Promise<void> {
        return gate.wait();
      }
    }
    const kyu = await startKyu({
      providers: [SlowToDestroy],
      handlers: { job: () => undefined },
    });
    await runJob(kyu.app, 'job');
    const closed = kyu.close();
    await until('the hook to run', () => gate.arrivals === 1);
    let claimed = 0;
    kyu.events.on('job.claimed', () => claimed++);
    // I18: no new claim 100 ms after the stop began.
    const stoppedAt = performance.now();
    await until('100 ms', () => performance.now() - stoppedAt > 100);
    await kyu.queue.enqueue('job', null);
    await until('a claim, or the time of one', async () => {
      const [row] = await kyu.sql(
        `SELECT max(now() - created_at) > interval '500 ms' AS late FROM jobs WHERE status = 'pending'`,
      );
      return claimed > 0 || row!.late;
    });
    gate.open();
    await closed;
    expect(claimed).toBe(0);
  });

  it('onModuleDestroy of what a handler uses comes after the handler has finished', async () => {
    const gate = new Gate();
    @Injectable()
    class Connection implements OnModuleDestroy {
      open = true;
      onModuleDestroy(): void {
        this.open = false;
      }
    }
    const kyu = await startKyu({
      providers: [Connection],
      handlers: {
        job: async () => {
          await gate.wait();
          return kyu.app.get(Connection).open;
        },
      },
    });
    const id = await kyu.queue.enqueue('job', null);
    await until('the handler to run', () => gate.arrivals === 1);
    const closed = kyu.close();
    await until('the stop to wait', () =>
      kyu.logger.messages('log').some((line) => line.includes('waiting for 1')),
    );
    gate.open();
    await closed;
    const [job] = await kyu.sql('SELECT result FROM jobs WHERE id = $1', [id]);
    expect(job!.result).toBe(true);
  });

  it('beforeApplicationShutdown of the application may still enqueue', async () => {
    @Injectable()
    class LastWords implements BeforeApplicationShutdown {
      constructor(private readonly queue: QueueService) {}
      async beforeApplicationShutdown(): Promise<void> {
        await this.queue.enqueue('last', 'words');
      }
    }
    const kyu = await startKyu({ providers: [LastWords] });
    await kyu.close();
    expect(await kyu.sql('SELECT payload FROM jobs')).toEqual([
      { payload: 'words' },
    ]);
  });
});

describe('a stop without Postgres', () => {
  it('ends all the same', async () => {
    const proxy = await TcpProxy.open(POSTGRES_URL);
    const ground = newGround();
    const app = await bootApp(
      {
        imports: [
          KyuModule.forRoot(ground.options({ postgres: { url: proxy.url } })),
        ],
      },
      (unbooted) => unbooted.get(QueueService).register('job', () => undefined),
    );
    await runJob(app, 'job');
    proxy.cut();
    try {
      await expect(app.close()).resolves.toBeUndefined();
    } finally {
      await proxy.close();
    }
  });
});
