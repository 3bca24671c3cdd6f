import { Inject, Injectable, type FactoryProvider } from '@nestjs/common';
import {
  HealthIndicatorService,
  type HealthIndicatorResult,
} from '@nestjs/terminus';
import type { KyuHealthLimits, KyuHealthReport } from './health-report.js';
import { getKyuHealthToken } from './inject-kyu-health.js';
import { KyuHealth } from './kyu-health.js';

type UpOrDown<Key extends string> = Pick<
  ReturnType<typeof HealthIndicatorService.prototype.check<Key>>,
  'up'
>;

/**
 * {@link KyuHealth} as an indicator of @nestjs/terminus: provide it beside `TerminusModule`, and call `isHealthy()` in a readiness probe and `isLive()` in a liveness probe. `'degraded'` is HTTP 200 (with the Terminus of Nest 11, which has no such state: up, and `degraded: true`).
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

  /**
   * For a readiness probe: down while this process cannot do its work.
   *
   * @param key its name in the answer.
   */
  async isHealthy<const Key extends string = 'kyu'>(
    key: Key = 'kyu' as Key,
    limits: KyuHealthLimits = {},
  ): Promise<HealthIndicatorResult<Key>> {
    return this.tell(key, await this.health.check(limits));
  }

  /**
   * For a liveness probe: down only for what a restart of this process heals. Whatever else is wrong is in the details.
   *
   * @param key its name in the answer.
   */
  async isLive<const Key extends string = 'kyu'>(
    key: Key = 'kyu' as Key,
    limits: KyuHealthLimits = {},
  ): Promise<HealthIndicatorResult<Key>> {
    const report = await this.health.check(limits);
    const { live, status } = report;
    return this.tell(key, {
      ...report,
      status: !live ? 'down' : status === 'down' ? 'degraded' : status,
    });
  }

  private tell<const Key extends string>(
    key: Key,
    { status, ...details }: KyuHealthReport,
  ): HealthIndicatorResult<Key> {
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
