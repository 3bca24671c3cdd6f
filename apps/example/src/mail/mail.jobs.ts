import { Injectable } from '@nestjs/common';
import { JobContext, JobHandler, JobPayload } from '@kyu/nestjs';
import { work } from '../work.js';

export interface SendReceipt {
  to: string;
  order: number;
}

export interface ResetPassword {
  to: string;
}

export interface RemindOfCart {
  to: string;
  items: number;
}

export interface SendNewsletter {
  issue: string;
  to: string;
}

/** All that leaves the shop as mail or text message. */
@Injectable()
export class MailJobs {
  @JobHandler('send_receipt')
  async receipt(
    @JobPayload() { to, order }: SendReceipt,
    @JobContext() job: JobContext,
  ): Promise<string> {
    await work(40, job);
    return `receipt of order ${order} sent to ${to}`;
  }

  /** Somebody waits at the screen for it: past everything that is not that urgent. */
  @JobHandler('reset_password', { priority: 100, timeout: '10s' })
  async resetPassword(
    @JobPayload() { to }: ResetPassword,
    @JobContext() job: JobContext,
  ): Promise<string> {
    await work(25, job);
    return `link sent to ${to}`;
  }

  /** The shop schedules it for an hour after the customer left. */
  @JobHandler('remind_of_cart', { priority: -10 })
  async remindOfCart(
    @JobPayload() { to, items }: RemindOfCart,
    @JobContext() job: JobContext,
  ): Promise<string> {
    await work(30, job);
    return `reminded ${to} of ${items} item(s)`;
  }

  @JobHandler('send_newsletter', { priority: -100 })
  async newsletter(
    @JobPayload() { issue, to }: SendNewsletter,
    @JobContext() job: JobContext,
  ): Promise<string> {
    await work(30, job);
    return `${issue} sent to ${to}`;
  }

  /** Without decorators on its parameters a handler gets `(payload, context)`. This payload is a plain string. */
  @JobHandler('send_sms')
  async sms(message: string, job: JobContext): Promise<{ length: number }> {
    await work(15, job);
    return { length: message.length };
  }
}
