import { types } from 'node:util';
import { isObservable } from 'rxjs';
import type { JobContext } from './job-parameters.decorator.js';
import { lastValueIfAny } from './streams.js';

/** Says of a method or function what is wrong with it, if it is a generator. A compiler for an older JavaScript makes plain functions of generators. */
export const whyNoGenerator = (method: unknown): string | undefined =>
  types.isGeneratorFunction(method)
    ? 'is a generator function: a call would only make an iterator, and run not a line of it; make it an async method'
    : undefined;

/** The result of a handler, of what it returned: a stream stands for its last value. @throws {TypeError} for an iterator. */
export function handlerResult(returned: unknown, job: JobContext): unknown {
  if (isObservable(returned)) return lastValueIfAny(returned, job);
  refuseIterator(returned);
  return returned;
}

/** @throws {TypeError} for what a generator returns: the handler has not begun. */
export function refuseIterator(returned: unknown): void {
  if (isIterator(returned))
    throw new TypeError(
      'The handler returned an iterator that nothing has read: of a generator, not a line has run. Make the handler an async method, and read the iterator in it.',
    );
}

const isIterator = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (Symbol.iterator in value || Symbol.asyncIterator in value) &&
  typeof (value as { next?: unknown }).next === 'function';
