import { Injectable, UseInterceptors } from '@nestjs/common';
import { JobContext, JobHandler, JobPayload } from '@kyu/nestjs';
import { work } from '../work.js';
import { PublishInterceptor } from './publish.interceptor.js';
import { RenderReport, ReportOrder } from './reports.definitions.js';

export interface Report {
  text: string;
}

const MS_PER_PAGE = 100;

@Injectable()
export class ReportsJobs {
  /** Slow: a second and more. Its result is what the interceptor makes of what it returns. */
  @JobHandler<ReportOrder>(RenderReport)
  @UseInterceptors(PublishInterceptor)
  async render(
    @JobPayload() { month, pages }: ReportOrder,
    @JobContext() job: JobContext,
  ): Promise<Report> {
    await work(pages * MS_PER_PAGE, job);
    return { text: `Sales of ${month}\n`.repeat(pages) };
  }
}
