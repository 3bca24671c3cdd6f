import { Catch, type ExceptionFilter } from '@nestjs/common';
import { UnrecoverableJobError } from '@kyu/nestjs';

/** Of the shop's own code, which need not know that a job runs it. */
export class CardExpiredError extends Error {
  constructor(order: number) {
    super(`The card of order ${order} has expired`);
  }
}

/** No retry makes an expired card valid: dead at once, with all its retries unused. */
@Catch(CardExpiredError)
export class CardExpiredFilter implements ExceptionFilter<CardExpiredError> {
  catch(error: CardExpiredError): never {
    throw new UnrecoverableJobError(error.message, { cause: error });
  }
}
