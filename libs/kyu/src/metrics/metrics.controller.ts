import { Controller, Get, Header, Inject, type Type } from '@nestjs/common';
import { Registry } from 'prom-client';
import { KyuMetrics } from './kyu-metrics.js';

/** A controller of its own for each registration, because the path stands in the class's metadata. */
export function metricsController(path: string): Type<unknown> {
  @Controller(path)
  class KyuMetricsController {
    constructor(@Inject(KyuMetrics) private readonly metrics: KyuMetrics) {}

    @Get()
    @Header('Content-Type', Registry.PROMETHEUS_CONTENT_TYPE)
    index(): Promise<string> {
      return this.metrics.text();
    }
  }
  return KyuMetricsController;
}
