import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { kyuHealthIndicator, KyuHealthIndicator } from '@kyu/nestjs/terminus';
import { HealthController } from './health.controller.js';
import { JobsController } from './jobs.controller.js';
import { KyuErrorFilter } from './kyu-error.filter.js';

@Module({
  // Kyu logs what is wrong once; Terminus would at every probe.
  imports: [TerminusModule.forRoot({ logger: false })],
  controllers: [JobsController, HealthController],
  providers: [
    KyuHealthIndicator,
    kyuHealthIndicator('reports'),
    { provide: APP_FILTER, useClass: KyuErrorFilter },
  ],
})
export class ApiModule {}
