import { Injectable, UseInterceptors } from '@nestjs/common';
import {
  JobContext,
  JobHandler,
  JobPayload,
  UnrecoverableJobError,
} from '@kyu/nestjs';
import { work } from '../work.js';
import { AuditInterceptor } from './audit.interceptor.js';

export interface ChargeCard {
  order: number;
  cents: number;
}

export interface RefundCard {
  order: number;
  cardExpired: boolean;
}

export interface CheckFraud {
  order: number;
}

export interface ExportLedger {
  day: string;
}

/** The card network of this shop answers on the third try. */
const TRIES_THAT_FAIL = 2;

@Injectable()
@UseInterceptors(AuditInterceptor)
export class PaymentsJobs {
  /** Flaky: it fails exactly twice, so that what becomes of it can be told beforehand. */
  @JobHandler('charge_card', { priority: 10, maxRetries: 3 })
  async charge(
    @JobPayload() { order, cents }: ChargeCard,
    @JobContext() job: JobContext,
  ): Promise<{ order: number; charged: number }> {
    await work(30, job);
    if (job.attempt <= TRIES_THAT_FAIL)
      throw new Error('The card network did not answer');
    return { order, charged: cents };
  }

  /** No retry makes an expired card valid: dead at once, with all its retries unused. */
  @JobHandler('refund_card')
  async refund(
    @JobPayload() { order, cardExpired }: RefundCard,
    @JobContext() job: JobContext,
  ): Promise<{ refunded: number }> {
    await work(20, job);
    if (cardExpired)
      throw new UnrecoverableJobError(`The card of order ${order} has expired`);
    return { refunded: order };
  }

  /** Always fails, until its retries are used up. */
  @JobHandler('export_ledger', { maxRetries: 2 })
  async exportLedger(
    @JobPayload() { day }: ExportLedger,
    @JobContext() job: JobContext,
  ): Promise<never> {
    await work(20, job);
    throw new Error(`The bank refuses the ledger of ${day}`);
  }

  /** Waits for a service that never answers. The timeout ends it, and the signal frees what it holds. */
  @JobHandler('check_fraud', { timeout: '700ms', maxRetries: 1 })
  async checkFraud(
    @JobPayload() { order }: CheckFraud,
    @JobContext() job: JobContext,
  ): Promise<{ order: number }> {
    await work(60_000, job);
    return { order };
  }
}
