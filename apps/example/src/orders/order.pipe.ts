import {
  BadRequestException,
  Injectable,
  type PipeTransform,
} from '@nestjs/common';
import { parseOrder, type Order } from './order.js';

/** Checks the body of a request, which gets a 400, and the payload of a job, which is dead at once: a retry would not make an order of it. */
@Injectable()
export class OrderPipe implements PipeTransform<unknown, Order> {
  transform(value: unknown): Order {
    try {
      return parseOrder(value);
    } catch (error) {
      throw new BadRequestException((error as Error).message, { cause: error });
    }
  }
}
