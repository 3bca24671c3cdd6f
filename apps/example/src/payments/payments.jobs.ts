import { Injectable, UseInterceptors } from '@nestjs/common';
import {
  JobContext,
  JobHandler,
  JobPayload,
  UnrecoverableJobError,
} from '@kyu/nestjs';
import { work } from '../work.js';
import { AuditInterceptor } from './audit.interceptor.js';
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
  async charge(
    @JobPayload() { order, cents }: Payment,
    @JobContext() job: JobContext,
  ): Promise<{ order: number; charged: number }> {
    await work(30, job);
    if (job.attempt <= TRIES_THAT_FAIL)
      throw new Error('The card network did not answer');
    return { order, charged: cents };
  }

  /** No retry makes an expired card valid: dead at once, with all its retries unused. */
  @JobHandler(RefundCard)
  async refund(
    @JobPayload() { order, cardExpired }: Refund,
    @JobContext() job: JobContext,
  ): Promise<{ refunded: number }> {
    await work(20, job);
    if (cardExpired)
      throw new UnrecoverableJobError(`The card of order ${order} has expired`);
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
