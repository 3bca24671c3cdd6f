import {
  Injectable,
  Logger,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { tap, type Observable } from 'rxjs';
import { requests } from '../request-context.js';

/** Says how each run ended, and which request it began with; of which job, JobLogger says. In `KyuModule.forRoot({ interceptors })`, so it stands around every job of every type. */
@Injectable()
export class LoggingInterceptor implements NestInterceptor {
  private readonly logger = new Logger('Jobs');

  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = requests.getStore();
    const because = request ? ` (request ${request.requestId})` : '';
    return next.handle().pipe(
      tap({
        complete: () => this.logger.log(`done${because}`),
        // Not a warning: the queue tries again, and keeps the error in the job's history.
        error: (error: Error) =>
          this.logger.log(`failed: ${error.message}${because}`),
      }),
    );
  }
}
