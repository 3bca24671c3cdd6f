import { Body, Controller, Post } from '@nestjs/common';
import { JobContext, JobHandler, JobPayload } from '@kyu/nestjs';
import { work } from '../work.js';
import type { Order } from './order.js';
import { OrderPipe } from './order.pipe.js';
import { ReserveStock } from './orders.definitions.js';
import { OrdersService } from './orders.service.js';

@Controller('orders')
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Post()
  async place(@Body(OrderPipe) order: Order): Promise<{ jobId: string }> {
    return { jobId: await this.orders.place(order) };
  }

  /** A handler may stand in a controller too, beside the route that belongs to it. */
  @JobHandler(ReserveStock)
  async reserve(
    @JobPayload('sku') sku: string,
    @JobContext() job: JobContext,
  ): Promise<{ reserved: string }> {
    await work(8, job);
    return { reserved: sku };
  }
}
