import {
  Catch,
  Injectable,
  type ArgumentMetadata,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import type { JobContext } from '@kyu/nestjs';
import type { Observable } from 'rxjs';

/** What the parts of Nest's pipeline saw. */
@Injectable()
export class JobLog {
  readonly lines: string[] = [];
}

@Injectable()
export class Timing implements NestInterceptor {
  constructor(private readonly log: JobLog) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const job = context.switchToRpc().getContext<JobContext>();
    this.log.lines.push(`${context.getType()} interceptor: ${job.type}`);
    return next.handle();
  }
}

@Injectable()
export class OnlyPaid implements CanActivate {
  constructor(private readonly log: JobLog) {}

  canActivate(context: ExecutionContext): boolean {
    this.log.lines.push(`guard: ${context.getHandler().name}`);
    return context.getArgByIndex<{ paid: boolean }>(0).paid;
  }
}

@Injectable()
export class Shout implements PipeTransform<string> {
  transform(value: string, { type }: ArgumentMetadata): string {
    return type === 'custom' ? value.toUpperCase() : value;
  }
}

export class OutOfStock extends Error {}

@Catch(OutOfStock)
export class LaterOrNever implements ExceptionFilter<OutOfStock> {
  catch(error: OutOfStock): string {
    return `filter: ${error.message}`;
  }
}
