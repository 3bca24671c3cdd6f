import { Injectable, type PipeTransform } from '@nestjs/common';
import { UnrecoverableJobError } from '@kyu/nestjs';
import { parseOrder, type Order } from './order.js';

/** Checks the payload of a job. One that is no order now will be none at the next try either, so its job is dead at once. */
@Injectable()
export class OrderPipe implements PipeTransform<unknown, Order> {
  transform(value: unknown): Order {
    try {
      return parseOrder(value);
    } catch (error) {
      throw new UnrecoverableJobError((error as Error).message, {
        cause: error,
      });
    }
  }
}
