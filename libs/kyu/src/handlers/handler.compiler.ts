import {
  ContextIdFactory,
  ExternalContextCreator,
  ModuleRef,
} from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { Inject, Injectable } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import type { JobHandlerFunction } from './handler.js';
import type { JobContext } from './job-parameters.decorator.js';

/** Nest keeps parameter decorators under this key (`ROUTE_ARGS_METADATA`), filters under that one. */
const ROUTE_ARGUMENTS = '__routeArguments__';
const EXCEPTION_FILTERS = '__exceptionFilters__';
/** What `ExecutionContext.getType()` says inside a job. */
export const CONTEXT_TYPE = 'kyu';

type Instance = Record<string, (...args: unknown[]) => unknown>;

/**
 * Is responsible for turning a decorated method into a function that goes through Nest's pipeline: guards, interceptors, pipes, filters and
 * parameter decorators of the method, its class and its module.
 */
@Injectable()
export class HandlerCompiler {
  private readonly contexts: ExternalContextCreator;

  constructor(
    @Inject(KyuConfig) config: KyuConfig,
    external: ExternalContextCreator,
    private readonly moduleRef: ModuleRef,
  ) {
    this.contexts = config.globalEnhancers
      ? external
      : withoutGlobalEnhancers(external);
  }

  /** Call it in or after `onApplicationBootstrap`: Nest's enhancers are complete only then. */
  compile(wrapper: InstanceWrapper, method: string): JobHandlerFunction {
    if (wrapper.isDependencyTreeStatic() && !wrapper.isTransient)
      return this.pipeline(wrapper.instance as Instance, method);
    // Request scope, in the handler, what it depends on, or its enhancers: one DI context a job.
    return async (payload, context) => {
      const contextId = ContextIdFactory.create();
      this.moduleRef.registerRequestByContextId(context, contextId);
      const instance = await this.moduleRef.resolve<Instance>(
        wrapper.token as never,
        contextId,
        { strict: false },
      );
      const call = this.pipeline(instance, method, contextId, wrapper.id);
      return call(payload, context);
    };
  }

  private pipeline(
    instance: Instance,
    method: string,
    contextId?: ReturnType<typeof ContextIdFactory.create>,
    inquirerId?: string,
  ): JobHandlerFunction {
    // The method of the prototype as it is: Nest finds the enhancers as metadata of this very function, and on a bound copy it finds none.
    const callback = instance[method]!;
    const run = this.contexts.create(
      instance,
      callback,
      method,
      ROUTE_ARGUMENTS,
      { exchangeKeyForValue: () => undefined },
      contextId,
      inquirerId,
      {
        guards: true,
        interceptors: true,
        // Nest's filter layer logs each error that no filter takes, an error line for every attempt: only where there are filters.
        filters:
          Reflect.hasMetadata(EXCEPTION_FILTERS, callback) ||
          Reflect.hasMetadata(EXCEPTION_FILTERS, instance.constructor),
      },
      CONTEXT_TYPE,
    );
    return (payload: unknown, context: JobContext) => run(payload, context);
  }
}

/**
 * A view of Nest's creator whose parts do not know the application's global enhancers. Those were written for HTTP; around a job they answer a request
 * that is not there, or swallow the failure.
 */
function withoutGlobalEnhancers(
  external: ExternalContextCreator,
): ExternalContextCreator {
  const parts = [
    'guardsContextCreator',
    'interceptorsContextCreator',
    'pipesContextCreator',
    'filtersContextCreator',
  ];
  const original = external as unknown as Record<string, object>;
  const view = Object.create(external) as Record<string, object>;
  for (const part of parts)
    view[part] = Object.assign(Object.create(original[part]!) as object, {
      config: undefined, // the creators' getGlobalMetadata() is empty without it
    });
  return view as unknown as ExternalContextCreator;
}
