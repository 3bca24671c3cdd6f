import {
  Injectable,
  Logger,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { KyuExecutionContext } from '@kyu/nestjs';
import { tap, type Observable } from 'rxjs';

/** Says how each run ended. In `KyuModule.forRoot({ interceptors })`, so it stands around every job of every type. */
@Injectable()
export class LoggingInterceptor implements NestInterceptor {
  private readonly logger = new Logger('Jobs');

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { job } = KyuExecutionContext.of(context);
    const run = `${job.type} ${job.id}, try ${job.attempt}`;
    return next.handle().pipe(
      tap({
        complete: () => this.logger.log(`${run}: done`),
        // Not a warning: the queue tries again, and keeps the error in the job's history.
        error: (error: Error) =>
          this.logger.log(`${run}: failed, ${error.message}`),
      }),
    );
  }
}
