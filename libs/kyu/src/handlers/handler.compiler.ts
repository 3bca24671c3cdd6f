import {
  ContextIdFactory,
  ExternalContextCreator,
  ModuleRef,
  ModulesContainer,
} from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { Inject, Injectable } from '@nestjs/common';
import { isObservable, lastValueFrom } from 'rxjs';
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
    @Inject(KyuConfig) private readonly config: KyuConfig,
    external: ExternalContextCreator,
    private readonly moduleRef: ModuleRef,
    private readonly modules: ModulesContainer,
  ) {
    this.contexts = config.globalEnhancers
      ? external
      : withoutGlobalEnhancers(external);
  }

  /** Call it in or after `onApplicationBootstrap`: Nest's enhancers are complete only then. */
  compile(wrapper: InstanceWrapper, method: string): JobHandlerFunction {
    const contexts = this.within(wrapper);
    if (wrapper.isDependencyTreeStatic() && !wrapper.isTransient)
      return this.pipeline(contexts, wrapper.instance as Instance, method);
    // Request scope, in the handler, what it depends on, or its enhancers: one DI context a job.
    return async (payload, context) => {
      const contextId = ContextIdFactory.create();
      this.moduleRef.registerRequestByContextId(context, contextId);
      const instance = await this.moduleRef.resolve<Instance>(
        wrapper.token as never,
        contextId,
        { strict: false },
      );
      const call = this.pipeline(
        contexts,
        instance,
        method,
        contextId,
        wrapper.id,
      );
      return call(payload, context);
    };
  }

  /**
   * Nest looks for the module of a handler among providers only, and finds no enhancers for one that is a controller: they would be
   * skipped without a word, guards among them. Here the module is known.
   */
  private within(wrapper: InstanceWrapper): ExternalContextCreator {
    const [key] =
      [...this.modules].find(([, module]) => module === wrapper.host) ?? [];
    if (key === undefined) return this.contexts;
    const view = Object.create(this.contexts) as Record<string, unknown>;
    view.getContextModuleKey = view.getHostModuleKey = () => key;
    return view as unknown as ExternalContextCreator;
  }

  private pipeline(
    contexts: ExternalContextCreator,
    instance: Instance,
    method: string,
    contextId?: ReturnType<typeof ContextIdFactory.create>,
    inquirerId?: string,
  ): JobHandlerFunction {
    // The method of the prototype as it is: Nest finds the enhancers as metadata of this very function, and on a bound copy it finds none.
    const callback = instance[method]!;
    const run = contexts.create(
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
          this.config.globalEnhancers ||
          Reflect.hasMetadata(EXCEPTION_FILTERS, callback) ||
          Reflect.hasMetadata(EXCEPTION_FILTERS, instance.constructor),
      },
      CONTEXT_TYPE,
    );
    return async (payload: unknown, context: JobContext) => {
      const result: unknown = await run(payload, context);
      // A filter may answer with an Observable, `throwError` among them; Nest hands it on as it is.
      return isObservable(result) ? lastValueFrom(result) : result;
    };
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
