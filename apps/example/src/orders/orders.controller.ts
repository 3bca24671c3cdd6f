import { BadRequestException, Body, Controller, Post } from '@nestjs/common';
import { JobContext, JobHandler, JobPayload } from '@kyu/nestjs';
import { work } from '../work.js';
import { parseOrder, type Order } from './order.js';
import { OrdersService } from './orders.service.js';

@Controller('orders')
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Post()
  async place(@Body() body: unknown): Promise<{ jobId: string }> {
    let order: Order;
    try {
      order = parseOrder(body);
    } catch (error) {
      throw new BadRequestException((error as Error).message);
    }
    return { jobId: await this.orders.place(order) };
  }

  /** A handler may stand in a controller too, beside the route that belongs to it. */
  @JobHandler('reserve_stock', { timeout: '5s' })
  async reserve(
    @JobPayload('sku') sku: string,
    @JobContext() job: JobContext,
  ): Promise<{ reserved: string }> {
    await work(8, job);
    return { reserved: sku };
  }
}
