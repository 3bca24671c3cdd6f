import { Injectable } from '@nestjs/common';
import {
  HealthIndicatorService,
  type HealthIndicatorResult,
} from '@nestjs/terminus';
import type { KyuHealthLimits } from './health-report.js';
import { KyuHealth } from './kyu-health.js';

/**
 * {@link KyuHealth} as an indicator of @nestjs/terminus: provide it beside `TerminusModule`, and call `isHealthy()` in a health check. `'degraded'` stays what it is: HTTP 200.
 *
 * @publicApi
 */
@Injectable()
export class KyuHealthIndicator {
  constructor(
    private readonly health: KyuHealth,
    private readonly indicators: HealthIndicatorService,
  ) {}

  /** @param key its name in the answer. */
  async isHealthy<const Key extends string = 'kyu'>(
    key: Key = 'kyu' as Key,
    limits: KyuHealthLimits = {},
  ): Promise<HealthIndicatorResult<Key>> {
    const { status, ...details } = await this.health.check(limits);
    const indicator = this.indicators.check(key);
    if (status === 'up') return indicator.up(details);
    return status === 'degraded'
      ? indicator.degraded(details)
      : indicator.down(details);
  }
}
