import { defineJob } from '@kyu/nestjs';

export interface Payment {
  order: number;
  cents: number;
}

export interface Refund {
  order: number;
  cardExpired: boolean;
}

export const ChargeCard = defineJob<
  Payment,
  { order: number; charged: number }
>('charge_card', { priority: 10, maxRetries: 3 });

export const RefundCard = defineJob<Refund, { refunded: number }>(
  'refund_card',
);

export const ExportLedger = defineJob<{ day: string }>('export_ledger', {
  maxRetries: 2,
});

export const CheckFraud = defineJob<{ order: number }, { order: number }>(
  'check_fraud',
  { timeout: '700ms', maxRetries: 1 },
);
