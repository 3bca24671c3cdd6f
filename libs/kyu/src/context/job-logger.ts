import { ConsoleLogger } from '@nestjs/common';
import { currentJob } from './current-job.js';

/**
 * Nest's `ConsoleLogger`, with the job in each line that its handler causes, however deep: `[send_email 0198…, try 1]` in text, `job: { id, type, attempt }` in
 * JSON. Give it to Nest, `NestFactory.create(AppModule, { logger: new JobLogger({ json: true }) })`, and set `forRoot({ currentJob: true })`.
 *
 * @publicApi
 */
export class JobLogger extends ConsoleLogger {
  protected override formatContext(context: string): string {
    const job = currentJob();
    const of = job ? `[${job.type} ${job.id}, try ${job.attempt}] ` : '';
    return super.formatContext(context) + of;
  }

  protected override getJsonLogObject(
    ...line: Parameters<ConsoleLogger['getJsonLogObject']>
  ): ReturnType<ConsoleLogger['getJsonLogObject']> {
    const job = currentJob();
    const record = super.getJsonLogObject(...line);
    if (!job) return record;
    const { id, type, attempt } = job;
    return Object.assign(record, { job: { id, type, attempt } });
  }
}
