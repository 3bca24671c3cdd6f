import { defineJob } from '@kyu/nestjs';

export interface Receipt {
  to: string;
  order: number;
}

export interface CartReminder {
  to: string;
  items: number;
}

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

/** The shop schedules it for an hour after the customer left. */
export const RemindOfCart = defineJob<CartReminder, string>('remind_of_cart', {
  priority: -10,
});

export const SendNewsletter = defineJob<NewsletterCopy, string>(
  'send_newsletter',
  { priority: -100 },
);

export const SendSms = defineJob<string, { length: number }>('send_sms');
