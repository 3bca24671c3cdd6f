// Compiled, never run: each line under @ts-expect-error must be refused, all others must not.
import {
  applyDecorators,
  createParamDecorator,
  ParseIntPipe,
  UseGuards,
} from '@nestjs/common';
import {
  defineJob,
  JobContext,
  JobHandler,
  JobPayload,
  type JobDefinition,
} from '@kyu/nestjs';
import type { Observable } from 'rxjs';

interface Order {
  id: number;
  customer: string;
  note?: { text: string };
}

const PlaceOrder = defineJob<Order, { receipt: string }>('place_order');
const SendSms = defineJob<string>('send_sms');
declare const receipt: { receipt: string };
class Customer {
  name: string;
}
const CurrentCustomer = createParamDecorator(() => new Customer());

export class Right {
  @JobHandler(PlaceOrder)
  plain(_order: Order, _job: JobContext): { receipt: string } {
    return receipt;
  }
  @JobHandler(PlaceOrder, { maxRetries: 1, backoff: { base: '5s' } })
  async payloadAlone(_order: Order): Promise<{ receipt: string }> {
    return receipt;
  }
  @JobHandler(PlaceOrder)
  less({ customer }: { customer: string }): { receipt: string } {
    return { receipt: customer };
  }
  @JobHandler(PlaceOrder)
  protected none(): Observable<{ receipt: string }> {
    return this.never();
  }
  @JobHandler(PlaceOrder)
  never(): never {
    throw new Error();
  }
  @JobHandler(PlaceOrder)
  decorated(
    @JobPayload('customer') _customer: string,
    @JobContext() _job: JobContext,
  ): { receipt: string } {
    return receipt;
  }
  @JobHandler(PlaceOrder)
  field(@JobPayload('note') _note: { text: string }): { receipt: string } {
    return receipt;
  }
  @JobHandler(PlaceOrder)
  turned(
    @JobContext() _job: JobContext,
    @JobPayload('id', ParseIntPipe) _id: number,
  ): { receipt: string } {
    return receipt;
  }
  @JobHandler(PlaceOrder)
  three(
    @CurrentCustomer() _customer: Customer,
    @JobPayload() _order: Order,
    @JobContext() _job: JobContext,
  ): { receipt: string } {
    return receipt;
  }
  @JobHandler<unknown>(PlaceOrder)
  custom(@CurrentCustomer() _customer: Customer): number {
    return 1;
  }
  @JobHandler<Order>(PlaceOrder)
  interceptorsResult(_order: Order): number {
    return 1;
  }
  @JobHandler(SendSms)
  sms(_text: string): number {
    return 1;
  }
  @JobHandler('plain', { priority: 1 })
  byName(_payload: { any: string }): void {}
  @JobHandler(PlaceOrder)
  @JobHandler(SendSms)
  @JobHandler('plain')
  several(_payload: Order | string): { receipt: string } {
    return receipt;
  }
}

export class Wrong {
  // @ts-expect-error: another payload
  @JobHandler(PlaceOrder)
  payload(_order: { wrong: number }): { receipt: string } {
    return receipt;
  }
  // @ts-expect-error: another payload, beside the context
  @JobHandler(PlaceOrder)
  both(_order: { id: string }, _job: JobContext): { receipt: string } {
    return receipt;
  }
  // @ts-expect-error: another result
  @JobHandler(PlaceOrder)
  result(_order: Order): number {
    return 1;
  }
  // @ts-expect-error: another result
  @JobHandler(PlaceOrder)
  async asyncResult(_order: Order): Promise<void> {}
  // @ts-expect-error: another payload
  @JobHandler(SendSms)
  sms(_length: number): void {}
  @JobHandler(PlaceOrder)
  // @ts-expect-error: not the payload of the second one
  @JobHandler(SendSms)
  several(_order: Order): { receipt: string } {
    return receipt;
  }
  // @ts-expect-error: an option that there is not
  @JobHandler(PlaceOrder, { retries: 3 })
  option(): { receipt: string } {
    return receipt;
  }
}

/** A decorator of the application's own. */
export const Guarded = (job: JobDefinition): MethodDecorator =>
  applyDecorators(
    JobHandler<unknown>(job),
    UseGuards({ canActivate: () => true }),
  );
export const GuardedByName = (): MethodDecorator =>
  applyDecorators(JobHandler('plain'), UseGuards({ canActivate: () => true }));
