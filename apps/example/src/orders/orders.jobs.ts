import { Injectable } from '@nestjs/common';
import { JobContext, JobHandler, JobPayload, QueueService } from '@kyu/nestjs';
import { SendReceipt } from '../mail/mail.definitions.js';
import { work } from '../work.js';
import type { Order } from './order.js';
import { OrderPipe } from './order.pipe.js';
import { ImportCatalog, PlaceOrder } from './orders.definitions.js';

@Injectable()
export class OrdersJobs {
  constructor(private readonly queue: QueueService) {}

  @JobHandler(PlaceOrder)
  async place(
    @JobPayload(OrderPipe) order: Order,
    @JobContext() job: JobContext,
  ): Promise<{ receipt: string }> {
    await work(60, job);
    const receipt = { to: order.customer, order: order.number };
    // Last, so that a try that fails leaves no receipt behind.
    return { receipt: await this.queue.enqueue(SendReceipt, receipt) };
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
