import {
  Injectable,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { KyuExecutionContext, UnrecoverableJobError } from '@kyu/nestjs';
import type { Payment } from './payments.definitions.js';

const LIMIT_CENTS = 500_000;

/** Lets no large sum through unseen. Had it returned false, it would be asked again at each retry; and no retry makes the sum smaller. */
@Injectable()
export class ChargeLimitGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { cents } = KyuExecutionContext.of<Payment>(context).payload;
    if (cents > LIMIT_CENTS)
      throw new UnrecoverableJobError(
        `${cents} cents are more than ${LIMIT_CENTS}, and need a person`,
      );
    return true;
  }
}
