import {
  ForbiddenException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { isObservable } from 'rxjs';
import { isPromise } from '../runtime/is-promise.js';
import type { JobHandlerFunction } from './handler.js';
import { handlerResult } from './handler-result.js';
import { throughInterceptors, type Step } from './interceptor-chain.js';
import type { JobContext } from './job-parameters.decorator.js';
import { CONTEXT_TYPE } from './kyu-execution-context.js';
import type { Enhancers, HandlerPlace } from './nest-internals.js';
import { lastValue, lastValueIfAny } from './streams.js';

/** The context of a job as Nest's enhancers know it. */
export function newExecutionContext(
  payload: unknown,
  job: JobContext,
  hostClass: unknown,
  method: unknown,
): ExecutionContext {
  const context = new ExecutionContextHost(
    [payload, job],
    hostClass as never,
    method as never,
  );
  context.setType(CONTEXT_TYPE);
  return context;
}

/**
 * A method inside all that Nest would put around it: filters, guards, interceptors, then its arguments with their pipes. Linked once; a layer that
 * it does not have costs it nothing.
 */
export function compilePipeline(
  { instance, method, callback }: HandlerPlace,
  {
    guards,
    interceptors,
    toArguments,
    filter,
  }: Omit<Enhancers, 'hasPipes' | 'warning'>,
): JobHandlerFunction {
  // What the instance has now, not what it had at the first job: somebody may have wrapped or spied the method since.
  const direct: JobHandlerFunction = toArguments
    ? (payload, job) => {
        const args = toArguments(payload, job);
        return isPromise(args)
          ? args.then((all) => instance[method]!(...all))
          : instance[method]!(...args);
      }
    : (payload, job) => instance[method]!(payload, job);

  const newContext = (payload: unknown, job: JobContext): ExecutionContext =>
    newExecutionContext(payload, job, instance.constructor, callback);
  const inner: Step =
    interceptors.length > 0
      ? throughInterceptors(interceptors, direct)
      : direct;
  const outer: Step = guards.length > 0 ? behind(guards, inner) : inner;
  const start: JobHandlerFunction =
    outer === direct
      ? direct
      : (payload, job) => outer(payload, job, newContext(payload, job));

  const call: JobHandlerFunction = async (payload, job) =>
    handlerResult(await start(payload, job), job);
  if (!filter) return call;
  return async (payload, job) => {
    try {
      return await call(payload, job);
    } catch (error) {
      const answer = await filter(error, newContext(payload, job));
      const result = isObservable(answer)
        ? await lastValueIfAny(answer, job)
        : answer;
      // A filter that gives nothing has looked on: unlike Nest, also if it is async.
      if (result === undefined) throw error;
      return result;
    }
  };
}

function behind(guards: readonly CanActivate[], inner: Step): Step {
  return async (payload, job, context) => {
    for (const guard of guards) {
      const answer = guard.canActivate(context);
      const verdict = typeof answer === 'boolean' ? answer : await answer;
      const opens = isObservable(verdict)
        ? await lastValue(verdict, job)
        : verdict;
      if (!opens) throw new ForbiddenException('Forbidden resource');
    }
    return inner(payload, job, context);
  };
}
