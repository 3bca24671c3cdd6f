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

/** 503 when PostgreSQL is away, or when this process leaves due work lying. Without Redis jobs still run, so a process is not to be replaced for that. */
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
}
