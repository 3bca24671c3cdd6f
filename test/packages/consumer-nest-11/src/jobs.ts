import {
  Inject,
  Injectable,
  Scope,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import {
  defineJob,
  JobContext,
  JobHandler,
  JobPayload,
  JobQueue,
  type JobRequest,
} from '@kyu/nestjs';
import { LaterOrNever, OnlyPaid, OutOfStock, Shout } from './pipeline';

export const Ship = defineJob<{ order: string }, string>('ship');

@Injectable()
export class GreetingJobs {
  @JobHandler('greet', { maxRetries: 1, timeout: '5s' })
  greet(
    @JobPayload('name', Shout) name: string,
    @JobContext() job: JobContext,
  ): string {
    return `Hello ${name}, attempt ${job.attempt}`;
  }

  @UseFilters(LaterOrNever)
  @JobHandler(Ship)
  ship({ order }: { order: string }): string {
    throw new OutOfStock(order);
  }
}

/** One for each job. */
@JobQueue('billing')
@UseGuards(OnlyPaid)
@Injectable({ scope: Scope.REQUEST })
export class ChargeJobs {
  constructor(@Inject(REQUEST) private readonly request: JobRequest) {}

  @JobHandler('charge', { maxRetries: 0 })
  charge(): unknown {
    return this.request.payload;
  }
}
