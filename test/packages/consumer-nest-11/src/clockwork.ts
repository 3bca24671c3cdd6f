import { Injectable } from '@nestjs/common';
import { Cron, Timeout } from '@nestjs/schedule';

/** What the application has of @nestjs/schedule, Kyu or not. */
@Injectable()
export class Clockwork {
  timeouts = 0;

  @Timeout(10)
  once(): void {
    this.timeouts++;
  }

  @Cron('0 0 1 1 *', { name: 'yearly' })
  yearly(): void {}
}
