import type { EnqueueOptions, JobDefinition, JobStatus } from '@kyu/nestjs';
import {
  RemindOfCart,
  ResetPassword,
  SendNewsletter,
  SendReceipt,
  SendSms,
} from '../mail/mail.definitions.js';
import {
  ImportCatalog,
  PlaceOrder,
  ReserveStock,
} from '../orders/orders.definitions.js';
import {
  ChargeCard,
  CheckFraud,
  ExportLedger,
  RefundCard,
} from '../payments/payments.definitions.js';
import { RenderReport } from '../reports/reports.definitions.js';

/** What the demo does with one job type, and how each of its jobs has to end. */
export interface PlannedJobs {
  job: JobDefinition;
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
  job: JobDefinition<Payload>,
  planned: Pick<PlannedJobs, 'shows' | 'count'> &
    Partial<PlannedJobs> & { payload: (index: number) => Payload },
): PlannedJobs => ({
  job,
  type: job.name,
  endsAs: 'completed',
  runs: 1,
  by: 'queue',
  ...planned,
});

const ORDERS = 60;

export const PLAN: readonly PlannedJobs[] = [
  jobs(ReserveStock, {
    shows: 'fast, in a controller',
    count: 120,
    payload: (index) => ({ sku: `tea-${index % 7}` }),
  }),
  jobs(PlaceOrder, {
    shows: 'enqueues send_receipt',
    count: ORDERS,
    by: 'OrdersService',
    payload: (index) => ({
      number: index + 1,
      customer: customer(index),
      items: [{ sku: `tea-${index % 7}`, quantity: 1 + (index % 3) }],
    }),
  }),
  jobs(SendReceipt, {
    shows: 'enqueued by a handler',
    count: ORDERS,
    by: 'handler',
    payload: (index) => ({ to: customer(index), order: index + 1 }),
  }),
  jobs(ChargeCard, {
    shows: 'flaky: fails twice',
    count: 30,
    runs: 3,
    payload: (index) => ({ order: index + 1, cents: 990 + index }),
  }),
  jobs(RefundCard, {
    shows: 'no retry helps: dead',
    count: 6,
    endsAs: 'dead',
    payload: (index) => ({ order: index + 1, cardExpired: true }),
  }),
  jobs(ExportLedger, {
    shows: 'always fails',
    count: 8,
    endsAs: 'dead',
    runs: 3,
    payload: (index) => ({ day: `2030-01-0${index + 1}` }),
  }),
  jobs(CheckFraud, {
    shows: 'hangs: timed out',
    count: 6,
    endsAs: 'dead',
    runs: 2,
    payload: (index) => ({ order: index + 1 }),
  }),
  jobs(ResetPassword, {
    shows: 'high priority',
    count: 24,
    payload: (index) => ({ to: customer(index) }),
  }),
  jobs(RemindOfCart, {
    shows: 'scheduled for later',
    count: 24,
    payload: (index) => ({ to: customer(index), items: 1 + (index % 4) }),
    options: (index) => ({ scheduledAt: inMs(2_000 + 700 * (index % 5)) }),
  }),
  jobs(SendNewsletter, {
    shows: 'cancelled before it ran',
    count: 20,
    endsAs: 'cancelled',
    runs: 0,
    cancelled: 'waiting',
    payload: (index) => ({ issue: 'Spring teas', to: customer(index) }),
    options: () => ({ scheduledAt: inMs(HOUR) }),
  }),
  jobs(ImportCatalog, {
    shows: 'cancelled as it runs',
    count: 4,
    endsAs: 'cancelled',
    cancelled: 'running',
    payload: (index) => ({ supplier: `supplier-${index}` }),
  }),
  jobs(SendSms, {
    shows: 'raw string payload',
    count: 60,
    payload: (index) => `Parcel ${index + 1} is on its way "\u{1F4E6}"\n`,
  }),
  jobs(RenderReport, {
    shows: 'slow',
    count: 14,
    payload: (index) => ({ month: `2030-${index + 1}`, pages: 10 + index }),
  }),
];

export const TOTAL = PLAN.reduce((sum, { count }) => sum + count, 0);
