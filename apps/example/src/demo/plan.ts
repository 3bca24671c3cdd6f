import type { EnqueueOptions, JobStatus } from '@kyu/nestjs';
import type { RemindOfCart, ResetPassword } from '../mail/mail.jobs.js';
import type { Order } from '../orders/order.js';
import type { ImportCatalog } from '../orders/orders.jobs.js';
import type {
  ChargeCard,
  CheckFraud,
  ExportLedger,
  RefundCard,
} from '../payments/payments.jobs.js';
import type { RenderReport } from '../reports/reports.jobs.js';

/** What the demo does with one job type, and how each of its jobs has to end. */
export interface PlannedJobs {
  type: string;
  /** What it is here to show. */
  shows: string;
  count: number;
  endsAs: Extract<JobStatus, 'completed' | 'dead' | 'cancelled'>;
  /** Runs that each of its jobs takes. */
  runs: number;
  /** When its jobs are cancelled, if they are. */
  cancelled?: 'waiting' | 'running';
  /** Who enqueues it: the traffic straight, the shop's own service, or a handler. */
  by: 'queue' | 'OrdersService' | 'handler';
  payload: (index: number) => unknown;
  options?: (index: number) => EnqueueOptions;
}

const customer = (index: number): string => `customer${index}@example.com`;
const inMs = (ms: number): Date => new Date(Date.now() + ms);
const HOUR = 3_600_000;

const jobs = <Payload>(
  planned: Pick<PlannedJobs, 'type' | 'shows' | 'count'> &
    Partial<PlannedJobs> & { payload: (index: number) => Payload },
): PlannedJobs => ({
  endsAs: 'completed',
  runs: 1,
  by: 'queue',
  ...planned,
});

const ORDERS = 60;

export const PLAN: readonly PlannedJobs[] = [
  jobs({
    type: 'reserve_stock',
    shows: 'fast, in a controller',
    count: 120,
    payload: (index) => ({ sku: `tea-${index % 7}` }),
  }),
  jobs<Order>({
    type: 'place_order',
    shows: 'enqueues send_receipt',
    count: ORDERS,
    by: 'OrdersService',
    payload: (index) => ({
      number: index + 1,
      customer: customer(index),
      items: [{ sku: `tea-${index % 7}`, quantity: 1 + (index % 3) }],
    }),
  }),
  jobs({
    type: 'send_receipt',
    shows: 'enqueued by a handler',
    count: ORDERS,
    by: 'handler',
    payload: () => undefined,
  }),
  jobs<ChargeCard>({
    type: 'charge_card',
    shows: 'flaky: fails twice',
    count: 30,
    runs: 3,
    payload: (index) => ({ order: index + 1, cents: 990 + index }),
  }),
  jobs<RefundCard>({
    type: 'refund_card',
    shows: 'no retry helps: dead',
    count: 6,
    endsAs: 'dead',
    payload: (index) => ({ order: index + 1, cardExpired: true }),
  }),
  jobs<ExportLedger>({
    type: 'export_ledger',
    shows: 'always fails',
    count: 8,
    endsAs: 'dead',
    runs: 3,
    payload: (index) => ({ day: `2030-01-0${index + 1}` }),
  }),
  jobs<CheckFraud>({
    type: 'check_fraud',
    shows: 'hangs: timed out',
    count: 6,
    endsAs: 'dead',
    runs: 2,
    payload: (index) => ({ order: index + 1 }),
  }),
  jobs<ResetPassword>({
    type: 'reset_password',
    shows: 'high priority',
    count: 24,
    payload: (index) => ({ to: customer(index) }),
  }),
  jobs<RemindOfCart>({
    type: 'remind_of_cart',
    shows: 'scheduled for later',
    count: 24,
    payload: (index) => ({ to: customer(index), items: 1 + (index % 4) }),
    options: (index) => ({ scheduledAt: inMs(2_000 + 700 * (index % 5)) }),
  }),
  jobs({
    type: 'send_newsletter',
    shows: 'cancelled before it ran',
    count: 20,
    endsAs: 'cancelled',
    runs: 0,
    cancelled: 'waiting',
    payload: (index) => ({ issue: 'Spring teas', to: customer(index) }),
    options: () => ({ scheduledAt: inMs(HOUR) }),
  }),
  jobs<ImportCatalog>({
    type: 'import_catalog',
    shows: 'cancelled as it runs',
    count: 4,
    endsAs: 'cancelled',
    cancelled: 'running',
    payload: (index) => ({ supplier: `supplier-${index}` }),
  }),
  jobs<string>({
    type: 'send_sms',
    shows: 'raw string payload',
    count: 60,
    payload: (index) => `Parcel ${index + 1} is on its way "\u{1F4E6}"\n`,
  }),
  jobs<RenderReport>({
    type: 'render_report',
    shows: 'slow',
    count: 14,
    payload: (index) => ({ month: `2030-${index + 1}`, pages: 10 + index }),
  }),
];

export const TOTAL = PLAN.reduce((sum, { count }) => sum + count, 0);
