import { defaultIfEmpty, lastValueFrom, Observable } from 'rxjs';
import type { JobContext } from './job-parameters.decorator.js';

/** The stream until the run is aborted: its subscription ends then, and who reads it gets the reason as its error. */
function untilAborted<T>(
  stream: Observable<T>,
  { signal }: JobContext,
): Observable<T> {
  return new Observable((out) => {
    const abort = (): void => out.error(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    out.add(() => signal.removeEventListener('abort', abort));
    out.add(stream.subscribe(out));
  });
}

/** What a handler returned as a stream. Without values it has one all the same, as a method that returns nothing has: its work is done. */
export const handlerStream = (
  stream: Observable<unknown>,
  job: JobContext,
): Observable<unknown> =>
  untilAborted(stream, job).pipe(defaultIfEmpty(undefined));

/** The last value of a stream that belongs to a run. @throws {EmptyError} when it has none. */
export const lastValue = (
  stream: Observable<unknown>,
  job: JobContext,
): Promise<unknown> => lastValueFrom(untilAborted(stream, job));

/** As {@link lastValue}; undefined for a stream without values. */
export const lastValueIfAny = (
  stream: Observable<unknown>,
  job: JobContext,
): Promise<unknown> => lastValueFrom(handlerStream(stream, job));
