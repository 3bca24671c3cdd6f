import {
  Injectable,
  Logger,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { KyuExecutionContext } from '@kyu/nestjs';
import { defer, type Observable } from 'rxjs';

/** Leaves a line for every try to move money, before it is made. On the class {@link PaymentsJobs}, so around all of its handlers. */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  private readonly logger = new Logger('Audit');

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { job } = KyuExecutionContext.of(context);
    return defer(() => {
      this.logger.log(
        `${context.getClass().name}.${context.getHandler().name}, job ${job.id}, by ${job.worker}`,
      );
      return next.handle();
    });
  }
}
