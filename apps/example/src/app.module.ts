import { Module, type DynamicModule } from '@nestjs/common';
import { KyuModule } from '@kyu/nestjs';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import { ApiModule } from './api/api.module.js';
import { LoggingInterceptor } from './interceptors/logging.interceptor.js';
import { TimingInterceptor } from './interceptors/timing.interceptor.js';
import { MailModule } from './mail/mail.module.js';
import { OrdersModule } from './orders/orders.module.js';
import { PaymentsModule } from './payments/payments.module.js';
import { ReportsModule } from './reports/reports.module.js';
import type { ShopSettings } from './settings.js';

@Module({})
export class AppModule {
  static with(settings: ShopSettings): DynamicModule {
    return {
      module: AppModule,
      imports: [
        KyuModule.forRoot({
          postgres: { url: settings.postgresUrl, schema: settings.schema },
          redis: { url: settings.redisUrl },
          queueName: settings.queueName,
          workers: settings.workers,
          mode: settings.mode,
          metricsPort: settings.metricsPort,
          // For JobLogger, which names the job in each line of a handler.
          currentJob: true,
          // Around every job, the first outermost.
          interceptors: [LoggingInterceptor, TimingInterceptor],
        }),
        // The shop's own metrics. Kyu's are in a registry of their own, on /metrics.
        PrometheusModule.register({
          path: '/shop/metrics',
          defaultMetrics: { enabled: false },
        }),
        OrdersModule,
        PaymentsModule,
        MailModule,
        ReportsModule,
        ApiModule,
      ],
    };
  }
}
