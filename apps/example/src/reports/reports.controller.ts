import {
  Body,
  Controller,
  Get,
  Param,
  Post,
  ValidationPipe,
} from '@nestjs/common';
import { InjectQueue, QueueService, type Job } from '@kyu/nestjs';
import { RenderReport, ReportOrder } from './reports.definitions.js';

@Controller('reports')
export class ReportsController {
  constructor(@InjectQueue('reports') private readonly reports: QueueService) {}

  /** The same class checks the body and, as the schema of the definition, the payload. */
  @Post()
  async order(
    @Body(new ValidationPipe({ transform: true, whitelist: true }))
    order: ReportOrder,
  ): Promise<{ jobId: string }> {
    return { jobId: await this.reports.enqueue(RenderReport, order) };
  }

  @Get(':jobId')
  inspect(@Param('jobId') jobId: string): Promise<Job> {
    return this.reports.inspect(jobId);
  }
}
