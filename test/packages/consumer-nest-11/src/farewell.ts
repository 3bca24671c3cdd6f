import { Injectable } from '@nestjs/common';
import { JobContext, JobHandler, JobPayload } from '@kyu/nestjs';

/** A second class of this name, with other parameters: Nest 11 keeps those of a method by the name of its class. */
@Injectable()
export class GreetingJobs {
  @JobHandler('farewell')
  greet(
    @JobContext() job: JobContext,
    @JobPayload('name') name: string,
  ): string {
    return `Bye ${name}, attempt ${job.attempt}`;
  }
}
