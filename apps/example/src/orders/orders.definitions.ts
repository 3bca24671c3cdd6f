import { defineJob } from '@kyu/nestjs';
import type { Order } from './order.js';

export const PlaceOrder = defineJob<Order, { receipt: string }>('place_order', {
  maxRetries: 5,
  timeout: '10s',
});

export const ReserveStock = defineJob<{ sku: string }, { reserved: string }>(
  'reserve_stock',
  { timeout: '5s' },
);

/** So long that people cancel it; then its signal aborts, and it should end. */
export const ImportCatalog = defineJob<
  { supplier: string },
  { supplier: string }
>('import_catalog', { priority: 50, timeout: '10m' });
