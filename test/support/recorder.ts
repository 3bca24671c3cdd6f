import type {
  CallHandler,
  ExecutionContext,
  NestInterceptor,
} from '@nestjs/common';
import { tap, type Observable } from 'rxjs';

/** An interceptor that writes down when it is entered and left. */
export class Recorder implements NestInterceptor {
  constructor(
    private readonly name: string,
    private readonly lines: string[],
  ) {}

  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    this.lines.push(`> ${this.name}`);
    return next.handle().pipe(
      tap({
        next: () => this.lines.push(`< ${this.name}`),
        error: () => this.lines.push(`! ${this.name}`),
      }),
    );
  }
}
