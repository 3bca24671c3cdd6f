import { defineJob } from '@kyu/nestjs';
import { z } from 'zod';

export interface Receipt {
  to: string;
  order: number;
}

const CartReminder = z.object({
  to: z.email(),
  items: z.int().positive().default(1),
});
export type CartReminder = z.output<typeof CartReminder>;

export interface NewsletterCopy {
  issue: string;
  to: string;
}

export const SendReceipt = defineJob<Receipt, string>('send_receipt');

/** Somebody waits at the screen for it: past everything that is not that urgent. */
export const ResetPassword = defineJob<{ to: string }, string>(
  'reset_password',
  { priority: 100, timeout: '10s' },
);

/** The shop schedules it for an hour after the customer left. A wrong address is refused to whoever enqueues it, not found by the handler then. */
export const RemindOfCart = defineJob('remind_of_cart', {
  schema: CartReminder,
  priority: -10,
});

export const SendNewsletter = defineJob<NewsletterCopy, string>(
  'send_newsletter',
  { priority: -100 },
);

export const SendSms = defineJob<string, { length: number }>('send_sms');
