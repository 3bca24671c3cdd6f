import { Injectable } from '@nestjs/common';
import { JobContext, JobHandler, JobPayload } from '@kyu/nestjs';
import { work } from '../work.js';
import {
  RemindOfCart,
  ResetPassword,
  SendNewsletter,
  SendReceipt,
  SendSms,
  type CartReminder,
  type NewsletterCopy,
  type Receipt,
} from './mail.definitions.js';

/** All that leaves the shop as mail or text message. */
@Injectable()
export class MailJobs {
  @JobHandler(SendReceipt)
  async receipt({ to, order }: Receipt, job: JobContext): Promise<string> {
    await work(40, job);
    return `receipt of order ${order} sent to ${to}`;
  }

  @JobHandler(ResetPassword)
  async resetPassword(
    @JobPayload('to') to: string,
    @JobContext() job: JobContext,
  ): Promise<string> {
    await work(25, job);
    return `link sent to ${to}`;
  }

  @JobHandler(RemindOfCart)
  async remindOfCart(
    { to, items }: CartReminder,
    job: JobContext,
  ): Promise<string> {
    await work(30, job);
    return `reminded ${to} of ${items} item(s)`;
  }

  @JobHandler(SendNewsletter)
  async newsletter(
    { issue, to }: NewsletterCopy,
    job: JobContext,
  ): Promise<string> {
    await work(30, job);
    return `${issue} sent to ${to}`;
  }

  /** This payload is a plain string. */
  @JobHandler(SendSms)
  async sms(message: string, job: JobContext): Promise<{ length: number }> {
    await work(15, job);
    return { length: message.length };
  }
}
