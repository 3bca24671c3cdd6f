import { setTimeout as sleep } from 'node:timers/promises';
import type { QueueService } from '@kyu/nestjs';
import type { Order } from '../orders/order.js';
import type { OrdersService } from '../orders/orders.service.js';
import type { PlannedJobs } from './plan.js';

const TICKS = 28;
const TICK_MS = 400;
/** Newsletters are cancelled this many ticks after they were enqueued, so that one sees them wait. */
const CANCEL_AFTER_TICKS = 4;

/** What the customers use of it. */
export interface Shop {
  queue: QueueService;
  reports: QueueService;
  orders: OrdersService;
}

/** The customers of a day in some seconds: all planned jobs, in two rushes. Resolves when the last one is enqueued or cancelled. */
export async function playTraffic(
  plan: readonly PlannedJobs[],
  shop: Shop,
  signal: AbortSignal,
): Promise<void> {
  const toCancel: string[][] = [];
  for (let tick = 1; tick <= TICKS + CANCEL_AFTER_TICKS; tick++) {
    const cancelLater: string[] = [];
    for (const planned of plan)
      for (const index of dueAt(tick, planned)) {
        const id = await enqueue(planned, index, shop);
        if (planned.cancelled === 'waiting') cancelLater.push(id);
      }
    toCancel.push(cancelLater);
    for (const id of toCancel[tick - 1 - CANCEL_AFTER_TICKS] ?? [])
      await shop.queue.cancelJob(id);
    await sleep(TICK_MS, undefined, { signal });
  }
}

function enqueue(
  { job, by, payload, options }: PlannedJobs,
  index: number,
  { queue, reports, orders }: Shop,
): Promise<string> {
  if (by === 'OrdersService') return orders.place(payload(index) as Order);
  const own = job.queue === 'reports' ? reports : queue;
  return own.enqueue(job, payload(index), options?.(index));
}

function dueAt(tick: number, { count, by }: PlannedJobs): number[] {
  if (by === 'handler') return [];
  const until = (now: number): number => Math.round(count * rush(now / TICKS));
  const from = until(tick - 1);
  return Array.from({ length: until(tick) - from }, (_, i) => from + i);
}

/** The share of the day's customers who have come by now: quick in the morning and the evening, slow at noon. */
function rush(day: number): number {
  const now = Math.min(day, 1);
  return now - (0.85 * Math.sin(4 * Math.PI * now)) / (4 * Math.PI);
}

/** Cancels each job that the plan wants cancelled as it runs, as soon as a worker has it. */
export function cancelRunning(
  plan: readonly PlannedJobs[],
  queue: QueueService,
): void {
  const types = new Set(
    plan.filter((jobs) => jobs.cancelled === 'running').map(({ type }) => type),
  );
  queue.events.on('job.claimed', ({ id, jobType }) => {
    // One that could not be cancelled ends in another way, and the summary says so.
    if (types.has(jobType)) void queue.cancelJob(id).catch(() => undefined);
  });
}
