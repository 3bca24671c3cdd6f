import { Injectable } from '@nestjs/common';
import { QueueService } from '@kyu/nestjs';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import { Counter } from 'prom-client';
import type { Order } from './order.js';
import { PlaceOrder } from './orders.definitions.js';
import { OrdersStore } from './orders.store.js';

@Injectable()
export class OrdersService {
  constructor(
    private readonly queue: QueueService,
    private readonly store: OrdersStore,
    @InjectMetric('shop_orders_total') private readonly orders: Counter,
  ) {}

  /**
   * Takes an order in; the work follows in the background. Both or neither are stored: the queue knows of the transaction by the option `transaction`. Resolves
   * to the id of the job.
   */
  async place(order: Order): Promise<string> {
    const id = await this.store.transaction(async (manager) => {
      await this.store.add(order, manager);
      return this.queue.enqueue(PlaceOrder, order);
    });
    this.orders.inc();
    return id;
  }
}
