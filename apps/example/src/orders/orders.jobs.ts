import { Injectable } from '@nestjs/common';
import {
  JobContext,
  JobHandler,
  JobManager,
  JobPayload,
  QueueService,
} from '@kyu/nestjs';
import type { EntityManager } from 'typeorm';
import { SendReceipt } from '../mail/mail.definitions.js';
import { work } from '../work.js';
import type { Order } from './order.js';
import { OrderPipe } from './order.pipe.js';
import { ImportCatalog, PlaceOrder } from './orders.definitions.js';
import { OrdersStore } from './orders.store.js';

@Injectable()
export class OrdersJobs {
  constructor(
    private readonly queue: QueueService,
    private readonly store: OrdersStore,
  ) {}

  /** The order is placed, its receipt enqueued and this job completed by one commit: a try that fails leaves nothing behind, and none happens twice. */
  @JobHandler(PlaceOrder, { transactional: true })
  async place(
    @JobPayload(OrderPipe) order: Order,
    @JobContext() job: JobContext,
    @JobManager() manager: EntityManager,
  ): Promise<{ receipt: string }> {
    await work(60, job);
    await this.store.markPlaced(order.number, manager);
    const receipt = { to: order.customer, order: order.number };
    return {
      receipt: await this.queue.enqueue(SendReceipt, receipt, { manager }),
    };
  }

  @JobHandler(ImportCatalog)
  async importCatalog(
    @JobPayload('supplier') supplier: string,
    @JobContext() job: JobContext,
  ): Promise<{ supplier: string }> {
    await work(300_000, job);
    return { supplier };
  }
}
