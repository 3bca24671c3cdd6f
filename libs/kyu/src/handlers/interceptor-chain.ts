import { AsyncResource } from 'node:async_hooks';
import type { ExecutionContext, NestInterceptor } from '@nestjs/common';
import {
  from,
  isObservable,
  lastValueFrom,
  Observable,
  type ObservableInput,
  type Subscriber,
} from 'rxjs';
import { abortReasonOf } from '../job/job-context.js';
import { isPromise } from '../runtime/is-promise.js';
import { refuseIterator } from './handler-result.js';
import type { JobContext } from './job-parameters.decorator.js';
import { handlerStream } from './streams.js';

/** One step of a handler's pipeline. */
export type Step = (
  payload: unknown,
  job: JobContext,
  context: ExecutionContext,
) => unknown;

type Stage = (
  payload: unknown,
  job: JobContext,
  context: ExecutionContext,
  out: Subscriber<unknown>,
  /** What the run waits for: an error here ends every stage. */
  root: Subscriber<unknown>,
) => void;

/**
 * `handler` inside the interceptors, the first outermost, with the semantics of Nest's own: each handle() is lazy and may be subscribed
 * again (a retry runs the handler again), and an async context opened by one reaches the next. The stages are linked here, once, and not anew for each job.
 */
export function throughInterceptors(
  interceptors: readonly NestInterceptor[],
  handler: Step,
): Step {
  const innermost: Stage = (payload, job, context, out, root) => {
    // An interceptor's retry() must not begin the handler again when the run is over, and would take
    // an error at this stage for one more failure to repeat.
    const aborted = abortReasonOf(job);
    if (aborted) root.error(aborted);
    else emit(() => handler(payload, job, context), deliver(job), out);
  };
  const outermost = interceptors.reduceRight<Stage>(
    (next, interceptor) => (payload, job, context, out, root) => {
      const handle = (): Observable<unknown> => {
        // Whoever subscribes does so outside of `storage.run(…, () => next.handle())`.
        const scope = new AsyncResource('KyuInterceptor');
        return new Observable((inner) =>
          scope.runInAsyncScope(
            next,
            undefined,
            payload,
            job,
            context,
            inner,
            root,
          ),
        );
      };
      emit(() => interceptor.intercept(context, { handle }), flow, out);
    },
    innermost,
  );
  return (payload, job, context) =>
    lastValueFrom(
      new Observable((root) => outermost(payload, job, context, root, root)),
    );
}

/** What an interceptor gives must be a stream; rxjs says so of anything else. */
function flow(value: unknown, out: Subscriber<unknown>): void {
  const stream = isObservable(value)
    ? value
    : from(value as ObservableInput<unknown>);
  stream.subscribe(out);
}

const deliver =
  (job: JobContext) =>
  (value: unknown, out: Subscriber<unknown>): void => {
    if (isObservable(value)) {
      handlerStream(value, job).subscribe(out);
      return;
    }
    refuseIterator(value); // an interceptor may wrap it, and nothing would see it then
    out.next(value);
    out.complete();
  };

function emit(
  call: () => unknown,
  pass: (value: unknown, out: Subscriber<unknown>) => void,
  out: Subscriber<unknown>,
): void {
  // One who has unsubscribed meanwhile, by a timeout() for example, does not want it to begin.
  const passOn = (value: unknown): void => {
    if (!out.closed) pass(value, out);
  };
  try {
    const value = call();
    if (isPromise(value))
      value.then(passOn).then(undefined, (error: unknown) => out.error(error));
    else passOn(value);
  } catch (error) {
    out.error(error);
  }
}
