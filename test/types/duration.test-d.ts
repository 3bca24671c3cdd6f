// Compiled, never run: each line under @ts-expect-error must be refused, all others must not.
import {
  defineJob,
  JobHandler,
  KyuModule,
  type Duration,
  type KyuHealth,
  type KyuOptions,
  type QueueService,
} from '@kyu/nestjs';

declare const queue: QueueService;
declare const health: KyuHealth;
declare const fromOutside: string;

export const right: Duration[] = [
  0,
  250,
  0.5,
  '250ms',
  '10s',
  '5m',
  '2h',
  '1d',
  '1.5s',
];
export const wrong: Duration[] = [
  // @ts-expect-error: no unit
  '10',
  // @ts-expect-error: another unit
  '10sec',
  // @ts-expect-error: upper case
  '10S',
  // @ts-expect-error: words
  'soon',
  // @ts-expect-error: two of them
  '1h30m',
  // @ts-expect-error: any string
  fromOutside,
  fromOutside as Duration,
];

void queue.enqueue('a', null, { timeout: '10s' });
// @ts-expect-error: no duration
void queue.enqueue('a', null, { timeout: '10 seconds' });
void queue.enqueueMany([{ type: 'a', payload: null, timeout: '1m' }]);
// @ts-expect-error: no duration
void queue.enqueueMany([{ type: 'a', payload: null, timeout: 'x' }]);
void health.check({ maxWaiting: '5m', timeout: '2s' });
// @ts-expect-error: no duration
void health.check({ maxWaiting: 'long' });
queue.register('a', () => null, { timeout: '1d', backoff: () => '3s' });
// @ts-expect-error: no duration
queue.register('a', () => null, { backoff: () => 'soon' });
defineJob('a', { timeout: 5, backoff: { base: '5s', cap: '10m' } });
// @ts-expect-error: no duration
defineJob('a', { backoff: { base: 'x' } });

export class Jobs {
  @JobHandler('a', { timeout: '10s' })
  a(): void {}
  // @ts-expect-error: no duration
  @JobHandler('b', { timeout: '10' })
  b(): void {}
}

export const options: KyuOptions = {
  postgres: { maxLifetime: '5m' },
  staleJobTimeout: '10m',
  heartbeatInterval: '10s',
  heartbeatTimeout: 30_000,
  drainTimeout: '20s',
  timeout: '30s',
  retention: { completed: '7d', cancelled: false, dead: '30d' },
  backoff: { base: '1s', cap: '1h' },
  handlerOptions: { a: { timeout: '1m' } },
};
export const dynamic = [
  KyuModule.forRoot({ timeout: '10s' }),
  KyuModule.forRootAsync({ useFactory: () => ({ timeout: '10s' }) }),
  KyuModule.forRootAsync({
    useFactory: async () => ({ timeout: '10s', retention: { dead: '1d' } }),
  }),
];
