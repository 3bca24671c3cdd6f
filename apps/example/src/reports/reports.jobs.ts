import { Injectable, UseInterceptors } from '@nestjs/common';
import { JobContext, JobHandler, JobPayload } from '@kyu/nestjs';
import { work } from '../work.js';
import { PublishInterceptor } from './publish.interceptor.js';

export interface RenderReport {
  month: string;
  pages: number;
}

export interface Report {
  text: string;
}

const MS_PER_PAGE = 100;

@Injectable()
export class ReportsJobs {
  /** Slow: a second and more. */
  @JobHandler('render_report', { timeout: '1m' })
  @UseInterceptors(PublishInterceptor)
  async render(
    @JobPayload() { month, pages }: RenderReport,
    @JobContext() job: JobContext,
  ): Promise<Report> {
    await work(pages * MS_PER_PAGE, job);
    return { text: `Sales of ${month}\n`.repeat(pages) };
  }
}
