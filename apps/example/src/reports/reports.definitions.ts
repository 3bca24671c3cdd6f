import { defineJob } from '@kyu/nestjs';
import { IsInt, IsString, Length, Max, Min } from 'class-validator';
import type { PublishedReport } from './publish.interceptor.js';

export class ReportOrder {
  @IsString()
  @Length(1, 20)
  month: string;

  @IsInt()
  @Min(1)
  @Max(1_000)
  pages: number;
}

/** Of the queue 'reports': who enqueues it elsewhere is told so. */
export const RenderReport = defineJob<ReportOrder, PublishedReport>(
  'render_report',
  { schema: ReportOrder, queue: 'reports', timeout: '1m' },
);
