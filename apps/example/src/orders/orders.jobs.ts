import { Injectable } from '@nestjs/common';
import { JobContext, JobHandler, JobPayload, QueueService } from '@kyu/nestjs';
import type { SendReceipt } from '../mail/mail.jobs.js';
import { work } from '../work.js';
import type { Order } from './order.js';
import { OrderPipe } from './order.pipe.js';

export interface ImportCatalog {
  supplier: string;
}

@Injectable()
export class OrdersJobs {
  constructor(private readonly queue: QueueService) {}

  @JobHandler('place_order', { maxRetries: 5, timeout: '10s' })
  async place(
    @JobPayload(OrderPipe) order: Order,
    @JobContext() job: JobContext,
  ): Promise<{ receipt: string }> {
    await work(60, job);
    const receipt: SendReceipt = { to: order.customer, order: order.number };
    // Last, so that a try that fails leaves no receipt behind.
    return { receipt: await this.queue.enqueue('send_receipt', receipt) };
  }

  /** So long that people cancel it; then its signal aborts, and it should end. */
  @JobHandler('import_catalog', { priority: 50, timeout: '10m' })
  async importCatalog(
    @JobPayload() { supplier }: ImportCatalog,
    @JobContext() job: JobContext,
  ): Promise<{ supplier: string }> {
    await work(300_000, job);
    return { supplier };
  }
}
