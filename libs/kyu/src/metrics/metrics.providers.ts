import type { Provider } from '@nestjs/common';
import { KyuMetrics } from './kyu-metrics.js';

export const METRIC_NAMES = [
  'kyu_jobs_total',
  'kyu_jobs_processed_total',
  'kyu_job_failures_total',
  'kyu_jobs_dead_total',
  'kyu_queue_depth',
] as const;

/**
 * The tokens of @willsoto/nestjs-prometheus, so that its `@InjectMetric('kyu_jobs_total')` finds Kyu's metrics. Built here and not by its
 * `makeCounterProvider`, which looks names up in prom-client's global registry, where two instances would collide; and
 * without importing it: it is CommonJS that requires Nest 12's ESM, which Jest cannot load below Node 24.9, so that no
 * user of Kyu could run a Jest suite. A test holds the tokens against `getToken()`.
 */
export const metricToken = (name: string): string =>
  `PROM_METRIC_${name.toUpperCase()}`;

export const metricProviders: Provider[] = METRIC_NAMES.map((name) => ({
  provide: metricToken(name),
  inject: [KyuMetrics],
  useFactory: ({ registry }: KyuMetrics) => registry.getSingleMetric(name),
}));
