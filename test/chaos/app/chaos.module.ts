import { Module, type DynamicModule, type LoggerService } from '@nestjs/common';
import { KyuEvents, KyuModule } from '@kyu/nestjs';
import { ChaosHandlers } from './handlers.js';
import { Ledger } from './ledger.js';
import type { AppSettings } from './settings.js';

/** The application under test: what a user would write, with short times so that much happens in a minute. */
@Module({})
export class ChaosModule {
  /** Here and not after the boot: a worker works before its application is told that it is up. */
  constructor(ledger: Ledger, events: KyuEvents) {
    events.on('lease.lost', ({ id, token }) =>
      ledger.write({ kind: 'lease-lost', id, token }),
    );
    events.on('worker.fenced', ({ runs }) =>
      ledger.write({ kind: 'fenced', detail: String(runs) }),
    );
  }

  static with(
    settings: AppSettings,
    ledger: Ledger,
    logger: LoggerService,
  ): DynamicModule {
    const { kyu, role } = settings;
    const retention = kyu.keepFinishedMs;
    const works = role === 'worker' || role === 'both';
    return {
      module: ChaosModule,
      global: true,
      imports: [
        KyuModule.forRoot({
          postgres: {
            url: settings.postgresUrl,
            schema: settings.schema,
            // The harness has migrated as the owner; this role may not.
            migrations: 'manual',
            maxConnections: 8,
          },
          redis: { url: settings.redisUrl },
          queueName: settings.queueName,
          mode: works ? role : 'producer',
          workers: kyu.workers,
          metricsPort: 0,
          metricsPath: false,
          heartbeatInterval: kyu.heartbeatIntervalMs,
          heartbeatTimeout: kyu.heartbeatTimeoutMs,
          staleJobTimeout: kyu.staleJobTimeoutMs,
          drainTimeout: kyu.drainTimeoutMs,
          maxCrashes: kyu.maxCrashes,
          maxRetries: 3,
          timeout: '5s',
          backoff: { base: 100, cap: 2_000, jitter: true },
          retention: {
            completed: retention,
            cancelled: retention,
            dead: retention,
          },
          logger,
        }),
      ],
      providers: [
        { provide: Ledger, useValue: ledger },
        ...(works ? [ChaosHandlers] : []),
      ],
      exports: [Ledger],
    };
  }
}
