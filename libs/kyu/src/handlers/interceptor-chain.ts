import { AsyncResource } from 'node:async_hooks';
import type { ExecutionContext, NestInterceptor } from '@nestjs/common';
import {
  defer,
  isObservable,
  lastValueFrom,
  mergeMap,
  of,
  type Observable,
} from 'rxjs';

/**
 * Calls `handler` inside the interceptors, the first outermost, with the semantics of Nest's own: each handle() is lazy and may be
 * subscribed again (a retry runs the handler again), and an async context opened by one reaches the next.
 */
export function runThroughInterceptors(
  interceptors: readonly NestInterceptor[],
  context: ExecutionContext,
  handler: () => unknown,
): Promise<unknown> {
  const from = (index: number): Observable<unknown> => {
    const interceptor = interceptors[index];
    const step = AsyncResource.bind((): unknown =>
      interceptor
        ? interceptor.intercept(context, { handle: () => from(index + 1) })
        : handler(),
    );
    return defer(async () => step()).pipe(
      mergeMap((result) => (isObservable(result) ? result : of(result))),
    );
  };
  return lastValueFrom(from(0));
}
