import { defineJob } from '@kyu/nestjs';
import type { PublishedReport } from './publish.interceptor.js';

export interface ReportOrder {
  month: string;
  pages: number;
}

export const RenderReport = defineJob<ReportOrder, PublishedReport>(
  'render_report',
  { timeout: '1m' },
);
