import type {
  ArgumentsHost,
  CanActivate,
  NestInterceptor,
  PipeTransform,
} from '@nestjs/common';
import type { ContextId, ExternalContextCreator } from '@nestjs/core';
import { isPromise } from '../runtime/is-promise.js';
import {
  ROUTE_ARGUMENTS,
  type JobContext,
} from './job-parameters.decorator.js';
import { CONTEXT_TYPE } from './kyu-execution-context.js';
import type { PipeRefusals } from './pipe-refusals.js';

export type Instance = Record<string, (...args: unknown[]) => unknown>;

/** Where Nest finds the enhancers of a method. */
export interface HandlerPlace {
  instance: Instance;
  method: string;
  /** The key of its module in Nest's container. */
  moduleKey: string;
  /** Of a handler that is made anew for each job. */
  contextId?: ContextId;
  inquirerId?: string;
}

/** All that Nest puts around a method, in the order in which it is asked: the outermost first. */
export interface Enhancers {
  guards: readonly CanActivate[];
  interceptors: readonly NestInterceptor[];
  /** Whether a pipe looks at any argument. */
  hasPipes: boolean;
  /** Of the parameter decorators, through their pipes; undefined: the method takes payload and context. */
  toArguments:
    | ((
        payload: unknown,
        job: JobContext,
      ) => unknown[] | PromiseLike<unknown[]>)
    | undefined;
  /** What the filter that takes the error makes of it, undefined if none does; no function: there are no filters. */
  filter: ((error: unknown, host: ArgumentsHost) => unknown) | undefined;
}

interface Parameter {
  index: number;
  extractValue(payload: unknown, job: JobContext): unknown;
  pipes: readonly PipeTransform[];
}

type Creator<T> = {
  create(
    instance: object,
    callback: unknown,
    moduleKey: string,
    contextId?: ContextId,
    inquirerId?: string,
  ): T;
};

/** The private parts of Nest's ExternalContextCreator that a pipeline is made of. */
interface Parts {
  guardsContextCreator: Creator<CanActivate[]>;
  interceptorsContextCreator: Creator<NestInterceptor[]>;
  pipesContextCreator: Creator<PipeTransform[]>;
  pipesConsumer: { apply(...args: unknown[]): Promise<unknown> };
  filtersContextCreator: Creator<{
    readonly filters: readonly unknown[];
    invokeCustomFilters(error: unknown, host: ArgumentsHost): unknown;
  }>;
  contextUtils: {
    mergeParamsMetatypes(
      parameters: Parameter[],
      types: unknown[] | undefined,
    ): Parameter[];
  };
  getMetadata(
    instance: object,
    method: string,
    metadataKey: string,
    factory: { exchangeKeyForValue(): unknown },
    contextType: string,
  ): {
    argsLength: number;
    paramtypes: unknown[] | undefined;
    getParamsMetadata(
      moduleKey: string,
      contextId?: ContextId,
      inquirerId?: string,
    ): Parameter[];
  };
  createPipesFn(
    pipes: PipeTransform[],
    parameters: Parameter[],
  ): (args: unknown[], payload: unknown, job: JobContext) => Promise<void>;
}

/**
 * Is responsible for reading from Nest what it would put around a method. The only place that knows Nest's private parts; what is built of them is
 * held against Nest's own pipeline by the suite `test/contracts/pipeline.*`.
 */
export class NestInternals {
  private readonly parts: Parts;

  constructor(
    external: ExternalContextCreator,
    globalEnhancers: boolean,
    refusals: PipeRefusals,
  ) {
    const nest = external as unknown as Parts;
    const view = Object.create(nest) as Parts;
    if (!globalEnhancers) hideGlobalEnhancers(view);
    const { pipesConsumer } = nest;
    view.pipesConsumer = {
      apply: (...args) =>
        pipesConsumer.apply(...args).catch((thrown: unknown) => {
          throw refusals.note(thrown);
        }),
    };
    this.parts = view;
  }

  /** Call it in or after `onApplicationBootstrap`: Nest's enhancers are complete only then. */
  enhancersOf(place: HandlerPlace): Enhancers {
    const { parts } = this;
    const filters = this.read(parts.filtersContextCreator, place);
    return {
      guards: this.read(parts.guardsContextCreator, place),
      interceptors: this.read(parts.interceptorsContextCreator, place),
      ...this.argumentsOf(place),
      filter:
        filters.filters.length > 0
          ? (error, host) => filters.invokeCustomFilters(error, host)
          : undefined,
    };
  }

  private argumentsOf(
    place: HandlerPlace,
  ): Pick<Enhancers, 'toArguments' | 'hasPipes'> {
    const { parts } = this;
    const { instance, method, moduleKey, contextId, inquirerId } = place;
    const metadata = parts.getMetadata(
      instance,
      method,
      ROUTE_ARGUMENTS,
      { exchangeKeyForValue: () => undefined },
      CONTEXT_TYPE,
    );
    const pipes = this.read(parts.pipesContextCreator, place);
    const parameters = parts.contextUtils.mergeParamsMetatypes(
      metadata.getParamsMetadata(moduleKey, contextId, inquirerId),
      metadata.paramtypes,
    );
    const hasPipes =
      parameters.length > 0 &&
      pipes.length + parameters.flatMap((each) => each.pipes).length > 0;
    if (parameters.length === 0) return { toArguments: undefined, hasPipes };
    const empty = (): unknown[] => Array.from({ length: metadata.argsLength });
    if (!hasPipes)
      return { toArguments: withoutPipes(parameters, empty), hasPipes };
    const applyPipes = parts.createPipesFn(pipes, parameters);
    return {
      hasPipes,
      toArguments: async (payload, job) => {
        const args = empty();
        await applyPipes(args, payload, job);
        return args;
      },
    };
  }

  private read<T>(creator: Creator<T>, place: HandlerPlace): T {
    const { instance, method, moduleKey, contextId, inquirerId } = place;
    // The method of the prototype as it is: Nest finds the enhancers as metadata of this very function, and on a bound copy it finds none.
    const callback = instance[method];
    return creator.create(instance, callback, moduleKey, contextId, inquirerId);
  }
}

const withoutPipes =
  (parameters: readonly Parameter[], empty: () => unknown[]) =>
  (payload: unknown, job: JobContext) => {
    const args = empty();
    for (const parameter of parameters)
      args[parameter.index] = parameter.extractValue(payload, job);
    return args.some(isPromise) ? Promise.all(args) : args;
  };

/**
 * The application's global enhancers were written for HTTP; around a job they answer a request that is not there, or swallow the failure. The creators'
 * getGlobalMetadata() is empty without their config.
 */
function hideGlobalEnhancers(view: Parts): void {
  const names = [
    'guardsContextCreator',
    'interceptorsContextCreator',
    'pipesContextCreator',
    'filtersContextCreator',
  ] as const;
  const creators = view as unknown as Record<string, object>;
  for (const name of names)
    creators[name] = Object.assign(Object.create(creators[name]!) as object, {
      config: undefined,
    });
}
