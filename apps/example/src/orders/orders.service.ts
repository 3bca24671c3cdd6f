import { Injectable } from '@nestjs/common';
import { QueueService } from '@kyu/nestjs';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import { Counter } from 'prom-client';
import type { Order } from './order.js';
import { PlaceOrder } from './orders.definitions.js';

@Injectable()
export class OrdersService {
  constructor(
    private readonly queue: QueueService,
    @InjectMetric('shop_orders_total') private readonly orders: Counter,
  ) {}

  /** Takes an order in; the work follows in the background. Resolves to the id of its job. */
  async place(order: Order): Promise<string> {
    const id = await this.queue.enqueue(PlaceOrder, order);
    this.orders.inc();
    return id;
  }
}
