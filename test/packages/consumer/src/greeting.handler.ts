import { Injectable } from '@nestjs/common';
import { JobContext, JobHandler, JobPayload } from '@kyu/nestjs';
import { Greet } from './greeting.job.js';

@Injectable()
export class GreetingHandler {
  @JobHandler(Greet)
  greet(
    @JobPayload('name') name: string,
    @JobContext() job: JobContext,
  ): string {
    return `Hello ${name}, attempt ${job.attempt}`;
  }
}
