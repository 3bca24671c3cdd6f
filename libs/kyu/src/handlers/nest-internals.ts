import type {
  ArgumentsHost,
  CanActivate,
  NestInterceptor,
} from '@nestjs/common';
import type { ContextId, ExternalContextCreator } from '@nestjs/core';
import { isPromise } from '../runtime/is-promise.js';
import {
  isOwnParameter,
  ROUTE_ARGUMENTS,
  type JobContext,
} from './job-parameters.decorator.js';
import { CONTEXT_TYPE } from './kyu-execution-context.js';
import type { Creator, NestParts, Parameter } from './nest-parts.js';
import type { PipeRefusals } from './pipe-refusals.js';
import { whyUnchecked } from './unchecked-payload.js';

export type Instance = Record<string, (...args: unknown[]) => unknown>;

/** Where Nest finds the enhancers of a method. */
export interface HandlerPlace {
  instance: Instance;
  /** The name of the method. A run calls what the instance has under this name then: a spy, or what wraps the method. */
  method: string;
  /**
   * The method of the prototype, as it was when the handlers were loaded. Nest keeps enhancers as metadata of this very function: with a spy or a bound
   * copy in its place Nest would find none, and guards would be skipped without a word.
   */
  callback: (...args: never[]) => unknown;
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
  /** What a pipe should do and cannot, for the log. */
  warning: string | undefined;
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

/**
 * Is responsible for reading from Nest what it would put around a method. The only place that knows Nest's private parts; what is built of them is
 * held against Nest's own pipeline by the suite `test/contracts/pipeline.*`.
 */
export class NestInternals {
  private readonly parts: NestParts;

  constructor(
    external: ExternalContextCreator,
    globalEnhancers: boolean,
    refusals: PipeRefusals,
  ) {
    const nest = external as unknown as NestParts;
    const view = Object.create(nest) as NestParts;
    if (!globalEnhancers) hideGlobalEnhancers(view);
    const { pipesConsumer } = nest;
    view.pipesConsumer = {
      apply: (...args) =>
        pipesConsumer.apply(...args).catch((thrown: unknown) => {
          refusals.note(thrown);
          throw thrown;
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
  ): Pick<Enhancers, 'toArguments' | 'hasPipes' | 'warning'> {
    const { parts } = this;
    const { payload, own, types, length } = this.parametersOf(place);
    const parameters = [...payload, ...own];
    if (parameters.length === 0)
      return { toArguments: undefined, hasPipes: false, warning: undefined };
    const pipes = this.read(parts.pipesContextCreator, place);
    const warning = whyUnchecked(types, pipes, payload);
    const hasPipes =
      (payload.length > 0 && pipes.length > 0) ||
      parameters.some((each) => each.pipes.length > 0);
    const empty = (): unknown[] => Array.from({ length });
    if (!hasPipes)
      return {
        toArguments: withoutPipes(parameters, empty),
        hasPipes,
        warning,
      };
    // Of no parameters Nest makes no function.
    const applies = [
      parts.createPipesFn(pipes, payload),
      parts.createPipesFn([], own),
    ].filter((apply) => apply !== null);
    return {
      hasPipes,
      warning,
      toArguments: async (payload, job) => {
        const args = empty();
        await Promise.all(applies.map((apply) => apply(args, payload, job)));
        return args;
      },
    };
  }

  /**
   * The parameters that the payload or a decorator of the application fills, and Kyu's own, `@JobContext()` and `@JobManager()`. The latter are no payload:
   * pipes of the method, its class and the application do not see them, and they have no metatype. A compiler that looks at one file at a time takes the
   * decorator `JobContext` for the class of `@JobContext() job: JobContext`, and ValidationPipe would make an instance of that.
   *
   * Nest's getMetadata() does the same, but keeps the answer: by the name of the class in Nest 11, where two classes of one name share it, and with the
   * method that the instance had at that time.
   */
  private parametersOf(place: HandlerPlace): {
    payload: Parameter[];
    own: Parameter[];
    /** The types of all parameters, if the compiler wrote them. */
    types: unknown[] | undefined;
    length: number;
  } {
    const { parts } = this;
    const { contextUtils } = parts;
    const { instance, method, callback, moduleKey, contextId, inquirerId } =
      place;
    const metadata =
      contextUtils.reflectCallbackMetadata(instance, method, ROUTE_ARGUMENTS) ??
      {};
    const keys = Object.keys(metadata);
    const read = (some: string[]): Parameter[] =>
      parts.exchangeKeysForValues(
        some,
        metadata,
        moduleKey,
        { exchangeKeyForValue: () => undefined },
        contextId,
        inquirerId,
        contextUtils.getContextFactory(CONTEXT_TYPE, instance, callback),
      );
    const isOwn = (key: string): boolean =>
      isOwnParameter(metadata[key]!.factory);
    const types = contextUtils.reflectCallbackParamtypes(instance, method);
    return {
      payload: contextUtils.mergeParamsMetatypes(
        read(keys.filter((key) => !isOwn(key))),
        types,
      ),
      own: read(keys.filter(isOwn)),
      types,
      length: contextUtils.getArgumentsLength(keys, metadata),
    };
  }

  private read<T>(creator: Creator<T>, place: HandlerPlace): T {
    const { instance, callback, moduleKey, contextId, inquirerId } = place;
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
function hideGlobalEnhancers(view: NestParts): void {
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
