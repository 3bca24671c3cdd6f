import type {
  CallHandler,
  CanActivate,
  ExceptionFilter,
  ExecutionContext,
  NestInterceptor,
  PipeTransform,
} from '@nestjs/common';
import { map, type Observable } from 'rxjs';

export class NotForEve implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.getArgByIndex<{ name: string }>(0).name !== 'Eve';
  }
}

export class Loud implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<string> {
    return next.handle().pipe(map((greeting) => `${greeting}!`));
  }
}

export class Trimmed implements PipeTransform<string> {
  transform(value: string): string {
    return value.trim();
  }
}

export class Apologize implements ExceptionFilter<Error> {
  catch(error: Error): string {
    return `Sorry: ${error.message}`;
  }
}
