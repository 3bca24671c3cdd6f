import {
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { JobHandler, KyuModule, QueueService } from '@kyu/nestjs';
import { until } from '@kyu/testing';
import { bootApp, newGround } from '../support/boot-app.js';

describe('the workers of an application', () => {
  it.each(['before', 'after'])(
    'start when all its modules have bootstrapped, imported %s them',
    async (place) => {
      const ground = newGround();
      const producer = await bootApp({
        imports: [KyuModule.forRoot(ground.options({ mode: 'producer' }))],
      });
      await producer.get(QueueService).enqueue('job', null);

      const steps: string[] = [];
      class Slow implements OnApplicationBootstrap {
        async onApplicationBootstrap(): Promise<void> {
          // Long enough for a worker that runs already to claim the job that waits.
          const [row] = await ground.sql('SELECT pg_sleep(0.3)::text AS slept');
          steps.push(`ready ${String(row!.slept)}`);
        }
      }
      @Injectable()
      class InFeature extends Slow {}
      @Injectable()
      class InRoot extends Slow {
        @JobHandler('job')
        job(): void {
          steps.push('job');
        }
      }
      @Module({ providers: [InFeature] })
      class FeatureModule {}
      const kyu = KyuModule.forRoot(ground.options());
      await bootApp({
        imports:
          place === 'before' ? [kyu, FeatureModule] : [FeatureModule, kyu],
        providers: [InRoot],
      });
      await until('the job to run', () => steps.includes('job'));
      expect(steps).toEqual(['ready ', 'ready ', 'job']);
    },
  );

  it('have stopped when its modules are destroyed, which may still enqueue', async () => {
    const ground = newGround();
    @Injectable()
    class Producer implements OnModuleDestroy {
      constructor(private readonly queue: QueueService) {}
      async onModuleDestroy(): Promise<void> {
        await this.queue.enqueue('job', 'at the end');
      }
      @JobHandler('job')
      job(): void {}
    }
    const app = await bootApp({
      imports: [KyuModule.forRoot(ground.options())],
      providers: [Producer],
    });
    await app.close();
    expect(await ground.sql('SELECT status, payload FROM jobs')).toEqual([
      { status: 'pending', payload: 'at the end' },
    ]);
  });
});
