import { Injectable } from '@nestjs/common';
import { JobContext, JobHandler, JobPayload } from '@kyu/nestjs';

@Injectable()
export class GreetingHandler {
  @JobHandler('greet', { maxRetries: 1, timeout: '5s' })
  greet(
    @JobPayload('name') name: string,
    @JobContext() job: JobContext,
  ): string {
    return `Hello ${name}, attempt ${job.attempt}`;
  }
}
