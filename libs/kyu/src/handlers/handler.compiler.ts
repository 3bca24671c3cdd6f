import {
  ExternalContextCreator,
  ModuleRef,
  ModulesContainer,
} from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { Inject, Injectable, type LoggerService } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import type { JobHandlerFunction } from './handler.js';
import { openJobContext } from './job-request.js';
import {
  NestInternals,
  type HandlerPlace,
  type Instance,
} from './nest-internals.js';
import { PipeRefusals } from './pipe-refusals.js';
import { compilePipeline } from './pipeline.js';

/**
 * Is responsible for turning a decorated method into a function that goes through Nest's pipeline: guards, interceptors, pipes, filters and
 * parameter decorators of the method, its class and its module.
 */
@Injectable()
export class HandlerCompiler {
  private readonly refusals = new PipeRefusals();
  private readonly nest: NestInternals;
  private readonly warnedOf = new WeakSet<HandlerPlace['callback']>();

  constructor(
    @Inject(KyuConfig) { globalEnhancers }: KyuConfig,
    external: ExternalContextCreator,
    private readonly moduleRef: ModuleRef,
    private readonly modules: ModulesContainer,
    @Inject(KyuLogger) private readonly logger: LoggerService,
  ) {
    this.nest = new NestInternals(external, globalEnhancers, this.refusals);
  }

  /**
   * Call it in or after `onApplicationBootstrap`: Nest's enhancers are complete only then.
   *
   * @param callback the method of the prototype; it has the enhancers.
   */
  compile(
    wrapper: InstanceWrapper,
    method: string,
    callback: HandlerPlace['callback'],
  ): JobHandlerFunction {
    const moduleKey = this.keyOf(wrapper);
    if (wrapper.isDependencyTreeStatic() && !wrapper.isTransient)
      return this.pipeline({
        instance: wrapper.instance as Instance,
        method,
        callback,
        moduleKey,
      });
    // Request scope, in the handler, what it depends on, or its enhancers: one DI context a job. The instance is that of the handler's own module:
    // another may provide something else under the same token.
    const host = wrapper.host?.providers.get(ModuleRef)?.instance as ModuleRef;
    const isTreeDurable = wrapper.isDependencyTreeDurable();
    return async (payload, context) => {
      const contextId = openJobContext(
        this.moduleRef,
        isTreeDurable,
        payload,
        context,
      );
      const instance = await host.resolve<Instance>(
        wrapper.token as never,
        contextId,
      );
      const inquirerId = wrapper.id;
      return this.pipeline({
        instance,
        method,
        callback,
        moduleKey,
        contextId,
        inquirerId,
      })(payload, context);
    };
  }

  /**
   * Nest looks for the module of a handler among providers only, and finds no enhancers for one that is a controller: they would be
   * skipped without a word, guards among them. Here the module is known.
   */
  private keyOf(wrapper: InstanceWrapper): string {
    const found = [...this.modules].find(
      ([, module]) => module === wrapper.host,
    );
    return found?.[0] ?? '';
  }

  private warnOnce(place: HandlerPlace, warning: string): void {
    const { instance, method, callback } = place;
    if (this.warnedOf.has(callback)) return;
    this.warnedOf.add(callback);
    this.logger.warn(`${instance.constructor.name}.${method}: ${warning}`);
  }

  private pipeline(place: HandlerPlace): JobHandlerFunction {
    const enhancers = this.nest.enhancersOf(place);
    if (enhancers.warning) this.warnOnce(place, enhancers.warning);
    const call = compilePipeline(place, enhancers);
    if (!enhancers.hasPipes) return call;
    return async (payload, context) => {
      try {
        return await call(payload, context);
      } catch (thrown) {
        throw this.refusals.finalOf(thrown);
      }
    };
  }
}
