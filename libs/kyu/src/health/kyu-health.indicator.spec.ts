import { HealthIndicatorService } from '@nestjs/terminus';
import { KyuHealthIndicator } from './kyu-health.indicator.js';
import type { KyuHealth } from './kyu-health.js';

const healthThatIs = (status: string): KyuHealth =>
  ({ check: async () => ({ status, redis: 'down' }) }) as unknown as KyuHealth;

/** Of Nest 11: two states. */
const terminus11 = {
  check: (key: string) => ({
    up: (details: object) => ({ [key]: { status: 'up', ...details } }),
    down: (details: object) => ({ [key]: { status: 'down', ...details } }),
  }),
} as unknown as HealthIndicatorService;

describe('KyuHealthIndicator', () => {
  it.each(['up', 'degraded', 'down'])(
    'tells Terminus 12 of %s',
    async (status) => {
      const indicator = new KyuHealthIndicator(
        healthThatIs(status),
        new HealthIndicatorService(),
      );
      expect(await indicator.isHealthy()).toEqual({
        kyu: { status, redis: 'down' },
      });
    },
  );

  it.each([
    ['up', { status: 'up', redis: 'down' }],
    ['degraded', { status: 'up', degraded: true, redis: 'down' }],
    ['down', { status: 'down', redis: 'down' }],
  ])(
    'tells Terminus 11 of %s, in the states that it has',
    async (status, told) => {
      const indicator = new KyuHealthIndicator(
        healthThatIs(status),
        terminus11,
      );
      expect(await indicator.isHealthy('jobs')).toEqual({ jobs: told });
    },
  );
});
