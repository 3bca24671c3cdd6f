import type {
  ArgumentsHost,
  CanActivate,
  NestInterceptor,
  PipeTransform,
} from '@nestjs/common';
import type { ContextId } from '@nestjs/core';
import type { JobContext } from './job-parameters.decorator.js';

/** A parameter of a method, as Nest reads it from its decorator. */
export interface Parameter {
  index: number;
  extractValue(payload: unknown, job: JobContext): unknown;
  pipes: readonly PipeTransform[];
}

/** What a parameter decorator wrote, by a key that also holds its kind. */
export type ParameterMetadata = Record<
  string,
  { index: number; factory?: unknown }
>;

/** Makes the enhancers of one kind of a method. */
export interface Creator<T> {
  create(
    instance: object,
    callback: unknown,
    moduleKey: string,
    contextId?: ContextId,
    inquirerId?: string,
  ): T;
}

/** The private parts of Nest's ExternalContextCreator that a pipeline is made of. */
export interface NestParts {
  guardsContextCreator: Creator<CanActivate[]>;
  interceptorsContextCreator: Creator<NestInterceptor[]>;
  pipesContextCreator: Creator<PipeTransform[]>;
  pipesConsumer: { apply(...args: unknown[]): Promise<unknown> };
  filtersContextCreator: Creator<{
    readonly filters: readonly unknown[];
    invokeCustomFilters(error: unknown, host: ArgumentsHost): unknown;
  }>;
  contextUtils: {
    reflectCallbackMetadata(
      instance: object,
      method: string,
      metadataKey: string,
    ): ParameterMetadata | undefined;
    reflectCallbackParamtypes(
      instance: object,
      method: string,
    ): unknown[] | undefined;
    getArgumentsLength(keys: string[], metadata: ParameterMetadata): number;
    getContextFactory(
      contextType: string,
      instance: object,
      callback: unknown,
    ): unknown;
    mergeParamsMetatypes(
      parameters: Parameter[],
      types: unknown[] | undefined,
    ): Parameter[];
  };
  exchangeKeysForValues(
    keys: string[],
    metadata: ParameterMetadata,
    moduleKey: string,
    factory: { exchangeKeyForValue(): unknown },
    contextId: ContextId | undefined,
    inquirerId: string | undefined,
    contextFactory: unknown,
  ): Parameter[];
  createPipesFn(
    pipes: readonly PipeTransform[],
    parameters: Parameter[],
  ):
    | ((args: unknown[], payload: unknown, job: JobContext) => Promise<void>)
    | null;
}
