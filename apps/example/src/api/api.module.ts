import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { HealthController } from './health.controller.js';
import { JobsController } from './jobs.controller.js';
import { KyuErrorFilter } from './kyu-error.filter.js';

@Module({
  controllers: [JobsController, HealthController],
  providers: [{ provide: APP_FILTER, useClass: KyuErrorFilter }],
})
export class ApiModule {}
