import { Inject, Injectable, type LoggerService } from '@nestjs/common';
import { DatabaseClock } from '../runtime/database-clock.js';
import { KyuLogger } from '../runtime/kyu-logger.js';

/** Is responsible for saying that the clock of this machine is not that of PostgreSQL, and what that means. */
@Injectable()
export class ClockCheck {
  constructor(
    private readonly clock: DatabaseClock,
    @Inject(KyuLogger) private readonly logger: LoggerService,
  ) {}

  start(): void {
    this.clock.onSkew((skewMs) =>
      this.logger.warn(
        `The clock of this machine is ${inWords(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'} that of PostgreSQL. Jobs keep their order, because ids are made by the ` +
          'clock of PostgreSQL. A scheduledAt that this process computes from its own clock is off by as much. Synchronise the clocks (NTP).',
      ),
    );
  }
}

/** `2 h 3 min 5 s`, without what is zero. */
function inWords(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return [
    [Math.floor(seconds / 3_600), 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ]
    .filter(([count]) => count !== 0)
    .map((part) => part.join(' '))
    .join(' ');
}
