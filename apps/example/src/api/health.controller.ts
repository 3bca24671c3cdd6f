import { Controller, Get } from '@nestjs/common';
import {
  HealthCheck,
  HealthCheckService,
  type HealthCheckResult,
} from '@nestjs/terminus';
import {
  InjectKyuHealthIndicator,
  KyuHealthIndicator,
} from '@kyu/nestjs/terminus';

/** `/health` is for a load balancer: 503 while this process cannot do its work. `/health/live` is for whatever restarts it: 503 only for what a restart heals. */
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly kyu: KyuHealthIndicator,
    @InjectKyuHealthIndicator('reports')
    private readonly reports: KyuHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check(): Promise<HealthCheckResult> {
    return this.health.check([
      () => this.kyu.isHealthy(),
      () => this.reports.isHealthy('reports'),
    ]);
  }

  @Get('live')
  @HealthCheck()
  live(): Promise<HealthCheckResult> {
    return this.health.check([
      () => this.kyu.isLive(),
      () => this.reports.isLive('reports'),
    ]);
  }
}
