import { ContextIdFactory, type ContextId, type ModuleRef } from '@nestjs/core';
import type { JobContext } from './job-parameters.decorator.js';

/**
 * What `@Inject(REQUEST)` gives in a job, and what a `ContextIdStrategy` gets as its request: the job's context, and its payload.
 *
 * @publicApi
 */
export interface JobRequest extends JobContext {
  readonly payload: unknown;
}

/**
 * The DI context of one run. As Nest's router has it: a strategy may lead durable providers to a subtree that several jobs share, and what it hands
 * over is then their REQUEST, for theirs is no single job.
 */
export function openJobContext(
  moduleRef: ModuleRef,
  isTreeDurable: boolean,
  payload: unknown,
  context: JobContext,
): ContextId {
  // Not enumerable: who logs a context does not mean to log the payload.
  const request: JobRequest = Object.defineProperty(
    context as JobContext & { payload: unknown },
    'payload',
    { value: payload, configurable: true },
  );
  const contextId = ContextIdFactory.getByRequest(request);
  moduleRef.registerRequestByContextId(
    isTreeDurable
      ? contextId.payload
      : Object.assign(request, contextId.payload),
    contextId,
  );
  return contextId;
}
