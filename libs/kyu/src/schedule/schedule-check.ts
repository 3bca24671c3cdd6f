import { Inject, Injectable, type LoggerService } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { applicationSchedules } from './schedule-modules.js';

/** Is responsible for a warning where the application itself runs its cron jobs twice, with Kyu or without. */
@Injectable()
export class ScheduleCheck {
  constructor(
    private readonly modules: ModulesContainer,
    @Inject(KyuLogger) private readonly logger: LoggerService,
  ) {}

  run(): void {
    const { length } = applicationSchedules(this.modules);
    if (length > 1)
      this.logger.warn(
        `ScheduleModule is imported ${length} times by this application, each time by a call of forRoot() of its own, so each of its @Cron, ` +
          `@Interval and @Timeout methods runs ${length} times. Import it once, in the root module.`,
      );
  }
}
