import {
  Injectable,
  Logger,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { KyuExecutionContext } from '@kyu/nestjs';
import { finalize, type Observable } from 'rxjs';

/** A job that uses more of its time than this will run into its timeout on a busy day. */
const NEAR_TIMEOUT = 0.8;

/** Finds jobs whose timeout is too short, before they fail. */
@Injectable()
export class TimingInterceptor implements NestInterceptor {
  private readonly logger = new Logger('Timing');

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { job } = KyuExecutionContext.of(context);
    const startedAt = performance.now();
    return next.handle().pipe(
      finalize(() => {
        const ms = Math.round(performance.now() - startedAt);
        if (ms > job.timeoutMs * NEAR_TIMEOUT)
          this.logger.log(
            `${job.type} ${job.id} took ${ms} of its ${job.timeoutMs} ms`,
          );
      }),
    );
  }
}
