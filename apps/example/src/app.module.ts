import {
  Module,
  type DynamicModule,
  type MiddlewareConsumer,
  type NestModule,
} from '@nestjs/common';
import { KyuModule, type KyuOptions } from '@kyu/nestjs';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import { ApiModule } from './api/api.module.js';
import { LoggingInterceptor } from './interceptors/logging.interceptor.js';
import { TimingInterceptor } from './interceptors/timing.interceptor.js';
import { MailModule } from './mail/mail.module.js';
import { OrdersModule } from './orders/orders.module.js';
import { PaymentsModule } from './payments/payments.module.js';
import { ReportsModule } from './reports/reports.module.js';
import {
  openRequest,
  requests,
  type RequestContext,
} from './request-context.js';
import { reportsQueueName, type ShopSettings } from './settings.js';
import { currentTransaction } from './transactions.js';

@Module({})
export class AppModule implements NestModule {
  static with(settings: ShopSettings): DynamicModule {
    const options = kyuOptions(settings);
    return {
      module: AppModule,
      imports: [
        KyuModule.forRoot({
          ...options,
          queueName: settings.queueName,
          workers: settings.workers,
        }),
        // A queue of its own, so that no mail waits behind a slow report.
        KyuModule.forRoot({
          ...options,
          name: 'reports',
          queueName: reportsQueueName(settings),
          workers: 3,
        }),
        // The shop's own metrics. Kyu's are in registries of their own, on /metrics and /metrics/reports.
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

  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(openRequest).forRoutes('{*any}');
  }
}

/** What both queues have in common. */
const kyuOptions = (settings: ShopSettings): KyuOptions => ({
  postgres: { url: settings.postgresUrl, schema: settings.schema },
  redis: { url: settings.redisUrl },
  mode: settings.mode,
  metricsPort: settings.metricsPort,
  // For JobLogger, which names the job in each line of a handler.
  currentJob: true,
  context: {
    capture: () => requests.getStore(),
    run: (store: RequestContext | undefined, next) => requests.run(store, next),
  },
  transaction: currentTransaction,
  // Around every job, the first outermost.
  interceptors: [LoggingInterceptor, TimingInterceptor],
});
