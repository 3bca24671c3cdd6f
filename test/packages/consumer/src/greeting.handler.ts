import {
  Injectable,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { JobContext, JobHandler, JobPayload } from '@kyu/nestjs';
import { Greet, Quarrel } from './greeting.job.js';
import { Apologize, Loud, NotForEve, Trimmed } from './pipeline.js';

@Injectable()
export class GreetingHandler {
  @UseGuards(NotForEve)
  @UseInterceptors(Loud)
  @JobHandler(Greet)
  greet(
    @JobPayload('name', Trimmed) name: string,
    @JobContext() job: JobContext,
  ): string {
    return `Hello ${name}, attempt ${job.attempt}`;
  }

  @UseFilters(Apologize)
  @JobHandler(Quarrel)
  quarrel(): string {
    throw new Error('it was a misunderstanding');
  }
}
