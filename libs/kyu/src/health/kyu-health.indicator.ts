import { Inject, Injectable, type FactoryProvider } from '@nestjs/common';
import {
  HealthIndicatorService,
  type HealthIndicatorResult,
} from '@nestjs/terminus';
import type { KyuHealthLimits } from './health-report.js';
import { getKyuHealthToken } from './inject-kyu-health.js';
import { KyuHealth } from './kyu-health.js';

type UpOrDown<Key extends string> = Pick<
  ReturnType<typeof HealthIndicatorService.prototype.check<Key>>,
  'up'
>;

/**
 * {@link KyuHealth} as an indicator of @nestjs/terminus: provide it beside `TerminusModule`, and call `isHealthy()` in a health check. `'degraded'` is HTTP 200 (with the Terminus of Nest 11, which has no such state: up, and `degraded: true`).
 * That of the default registration; {@link kyuHealthIndicator} makes that of another.
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
    if (status === 'down') return indicator.down(details);
    // The Terminus of Nest 11 knows up and down only, and whoever is degraded works.
    return 'degraded' in indicator
      ? indicator.degraded(details)
      : (indicator as UpOrDown<Key>).up({ ...details, degraded: true });
  }
}

const tokenOf = (name: string): string =>
  `kyuHealthIndicator('${name}'), which a module has to have among its providers`;

/**
 * The {@link KyuHealthIndicator} of a named registration, as a provider: `providers: [KyuHealthIndicator, kyuHealthIndicator('billing')]`.
 *
 * @param name as in `KyuModule.forRoot({ name })`.
 * @publicApi
 */
export const kyuHealthIndicator = (
  name: string,
): FactoryProvider<KyuHealthIndicator> => ({
  provide: tokenOf(name),
  inject: [getKyuHealthToken(name), HealthIndicatorService],
  useFactory: (health: KyuHealth, indicators: HealthIndicatorService) =>
    new KyuHealthIndicator(health, indicators),
});

/**
 * Injects what {@link kyuHealthIndicator} provides: `@InjectKyuHealthIndicator('billing') private readonly billing: KyuHealthIndicator`.
 *
 * @param name as in `KyuModule.forRoot({ name })`. The default registration's indicator is the class `KyuHealthIndicator`.
 * @publicApi
 */
export const InjectKyuHealthIndicator = (
  name: string,
): PropertyDecorator & ParameterDecorator => Inject(tokenOf(name));
