import {
  Injectable,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { JobContext, JobHandler, JobPayload } from '@kyu/nestjs';
import { work } from '../work.js';
import { AuditInterceptor } from './audit.interceptor.js';
import { CardExpiredError, CardExpiredFilter } from './card-expired.filter.js';
import { ChargeLimitGuard } from './charge-limit.guard.js';
import {
  ChargeCard,
  CheckFraud,
  ExportLedger,
  RefundCard,
  type Payment,
  type Refund,
} from './payments.definitions.js';

/** The card network of this shop answers on the third try. */
const TRIES_THAT_FAIL = 2;

@Injectable()
@UseInterceptors(AuditInterceptor)
export class PaymentsJobs {
  /** Flaky: it fails exactly twice, so that what becomes of it can be told beforehand. */
  @JobHandler(ChargeCard)
  @UseGuards(ChargeLimitGuard)
  async charge(
    @JobPayload() { order, cents }: Payment,
    @JobContext() job: JobContext,
  ): Promise<{ order: number; charged: number }> {
    await work(30, job);
    if (job.attempt <= TRIES_THAT_FAIL)
      throw new Error('The card network did not answer');
    return { order, charged: cents };
  }

  @JobHandler(RefundCard)
  @UseFilters(CardExpiredFilter)
  async refund(
    @JobPayload() { order, cardExpired }: Refund,
    @JobContext() job: JobContext,
  ): Promise<{ refunded: number }> {
    await work(20, job);
    if (cardExpired) throw new CardExpiredError(order);
    return { refunded: order };
  }

  /** Always fails, until its retries are used up. */
  @JobHandler(ExportLedger)
  async exportLedger(
    @JobPayload('day') day: string,
    @JobContext() job: JobContext,
  ): Promise<never> {
    await work(20, job);
    throw new Error(`The bank refuses the ledger of ${day}`);
  }

  /** Waits for a service that never answers. The timeout ends it, and the signal frees what it holds. */
  @JobHandler(CheckFraud)
  async checkFraud(
    @JobPayload('order') order: number,
    @JobContext() job: JobContext,
  ): Promise<{ order: number }> {
    await work(60_000, job);
    return { order };
  }
}
