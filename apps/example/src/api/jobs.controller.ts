import {
  Body,
  Controller,
  Delete,
  Get,
  HttpStatus,
  Param,
  Post,
  Query,
  Res,
} from '@nestjs/common';
import { QueueService, type Job } from '@kyu/nestjs';
import type { Response } from 'express';
import { parseJobRequest } from './job-request.js';

/** The queue over HTTP. Kyu checks ids, limits and options; KyuErrorFilter turns its errors into statuses. */
@Controller('jobs')
export class JobsController {
  constructor(private readonly queue: QueueService) {}

  @Post()
  async enqueue(@Body() body: unknown): Promise<{ id: string }> {
    const { type, payload, options } = parseJobRequest(body);
    return { id: await this.queue.enqueue(type, payload, options) };
  }

  /** Before `:id`, which would take "dead" for one. */
  @Get('dead')
  dead(
    @Query('limit') limit?: string,
    @Query('before') before?: string,
  ): Promise<Job[]> {
    return this.queue.deadJobs({
      ...(limit !== undefined && { limit: Number(limit) }),
      ...(before !== undefined && { before }),
    });
  }

  @Get(':id')
  inspect(@Param('id') id: string): Promise<Job> {
    return this.queue.inspect(id);
  }

  /** 200 for a job that was waiting; 202 for one that runs, as its handler has yet to stop. */
  @Delete(':id')
  async cancel(
    @Param('id') id: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<{ id: string; status: 'cancelled' | 'cancelling' }> {
    const status = await this.queue.cancelJob(id);
    if (status === 'cancelling') response.status(HttpStatus.ACCEPTED);
    return { id, status };
  }
}
