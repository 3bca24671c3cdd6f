import { Inject, Injectable, type LoggerService } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { KyuLogger } from './runtime/kyu-logger.js';

/**
 * The one `ScheduleModule` of the process. Each call of `ScheduleModule.forRoot()` makes another, and two of them run every `@Interval` and
 * `@Cron` of the application twice. So import this one instead: `imports: [kyuSchedule, KyuModule.forRoot()]`.
 *
 * @publicApi
 */
export const kyuSchedule = ScheduleModule.forRoot();

/** Says so when there are two all the same. */
@Injectable()
export class ScheduleCheck {
  constructor(
    private readonly modules: ModulesContainer,
    @Inject(KyuLogger) private readonly logger: LoggerService,
  ) {}

  run(): void {
    const found = [...this.modules.values()].filter(
      ({ metatype }) => metatype === ScheduleModule,
    );
    if (found.length > 1)
      this.logger.warn(
        `ScheduleModule is imported ${found.length} times, so every @Interval and @Cron of this application runs ${found.length} times. ` +
          "Replace ScheduleModule.forRoot() in your modules by kyuSchedule of '@kyu/nestjs'.",
      );
  }
}
