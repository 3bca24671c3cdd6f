import { Inject, Injectable, Scope, UseGuards } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import {
  JobContext,
  JobHandler,
  JobPayload,
  JobQueue,
  type JobRequest,
} from '@kyu/nestjs';
import { OnlyPaid, Shout } from './pipeline';

@Injectable()
export class GreetingJobs {
  @JobHandler('greet', { maxRetries: 1, timeout: '5s' })
  greet(
    @JobPayload('name', Shout) name: string,
    @JobContext() job: JobContext,
  ): string {
    return `Hello ${name}, attempt ${job.attempt}`;
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
