import {
  Inject,
  Injectable,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { isObservable, lastValueFrom } from 'rxjs';
import { KyuConfig } from '../config/kyu.config.js';
import {
  DuplicateHandlerError,
  InvalidJobError,
} from '../errors/kyu.errors.js';
import {
  checkDefaults,
  checkJobType,
  type JobDefaults,
} from '../job/new-job.js';
import { messageOf } from '../runtime/describe-error.js';
import { showValue } from '../runtime/show-value.js';
import { CONTEXT_TYPE } from './handler.compiler.js';
import { HandlerExplorer } from './handler.explorer.js';
import type { Handler, JobHandlerFunction } from './handler.js';
import { runThroughInterceptors } from './interceptor-chain.js';
import type { JobContext } from './job-parameters.decorator.js';

/**
 * Is responsible for knowing which function runs which job type. A Map, so that `constructor` and `__proto__` are names like any other.
 * What a run has looked up stays as it was, whatever is registered meanwhile.
 */
@Injectable()
export class HandlerRegistry {
  private readonly handlers = new Map<string, Handler>();
  private interceptors: readonly NestInterceptor[] = [];
  private types: readonly string[] = [];

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly explorer: HandlerExplorer,
    private readonly moduleRef: ModuleRef,
    private readonly modules: ModulesContainer,
  ) {}

  /** Finds the decorated handlers and makes the module's interceptors. Once, at bootstrap. @throws {DuplicateHandlerError} */
  async load(): Promise<void> {
    const registered = new Map(this.handlers); // at run time, before the bootstrap: they replace
    for (const handler of this.explorer.explore()) {
      check(handler);
      const other = this.handlers.get(handler.jobType);
      if (other && !registered.has(handler.jobType))
        throw new DuplicateHandlerError(handler.jobType, [
          other.place,
          handler.place,
        ]);
      if (!other) this.put(handler);
    }
    const made = await Promise.all(
      this.config.interceptors.map(async (interceptor) =>
        typeof interceptor === 'function'
          ? this.instanceOf(interceptor)
          : interceptor,
      ),
    );
    this.interceptors = [...made, ...this.interceptors];
  }

  /** The application's own instance where it provides the class; else one of ours, made as if the module that imports KyuModule provided it. */
  private async instanceOf(
    type: Type<NestInterceptor>,
  ): Promise<NestInterceptor> {
    try {
      return this.moduleRef.get(type, { strict: false });
    } catch {
      // Its dependencies are with the importer, or among the imports of forRootAsync().
      return this.importersRef()
        .create(type)
        .catch(() => this.moduleRef.create(type));
    }
  }

  private importersRef(): ModuleRef {
    const modules = [...this.modules.values()];
    const kyu = modules.find(({ providers }) => providers.has(HandlerRegistry));
    const importer = modules.find(
      ({ imports }) => kyu !== undefined && imports.has(kyu),
    );
    const ref = importer?.providers.get(ModuleRef)?.instance as
      ModuleRef | undefined;
    return ref ?? this.moduleRef;
  }

  /** Sets the handler of a type, in place of the one it had; defaults that are not given stay. */
  register(
    jobType: string,
    call: JobHandlerFunction,
    defaults: JobDefaults,
  ): void {
    if (typeof call !== 'function')
      throw new InvalidJobError(
        `Expected the handler of ${showValue(jobType)} to be a function, got: ${showValue(call)}.`,
      );
    const handler: Handler = {
      jobType,
      place: `register(${showValue(jobType)})`,
      defaults: { ...this.defaultsOf(jobType), ...defaults },
      call: async (payload, context) => {
        const result = await call(payload, context);
        return isObservable(result) ? lastValueFrom(result) : result;
      },
      hostClass: Object,
      method: call as never,
    };
    check(handler);
    this.put(handler);
  }

  /** Adds an interceptor around all handlers, inside those that are there. Runs that have begun are not changed. */
  use(interceptor: NestInterceptor): void {
    if (
      typeof (interceptor as { intercept?: unknown } | null)?.intercept !==
      'function'
    )
      throw new InvalidJobError(
        `use() takes an interceptor, an object with intercept(), got: ${showValue(interceptor)}.`,
      );
    this.interceptors = [...this.interceptors, interceptor];
  }

  /** The types that this process can run. */
  get jobTypes(): readonly string[] {
    return this.types;
  }

  defaultsOf(jobType: string): JobDefaults {
    return this.handlers.get(jobType)?.defaults ?? {};
  }

  /** A function that runs a job of this type inside all interceptors, or undefined. */
  resolve(jobType: string): JobHandlerFunction | undefined {
    const handler = this.handlers.get(jobType);
    const interceptors = this.interceptors;
    if (!handler || interceptors.length === 0) return handler?.call;
    return (payload: unknown, job: JobContext) => {
      const context = new ExecutionContextHost(
        [payload, job],
        handler.hostClass as never,
        handler.method as never,
      );
      context.setType(CONTEXT_TYPE);
      return runThroughInterceptors(interceptors, context, () =>
        handler.call(payload, job),
      );
    };
  }

  private put(handler: Handler): void {
    this.handlers.set(handler.jobType, handler);
    this.types = [...this.handlers.keys()];
  }
}

/** @throws {InvalidJobError} that says where the handler is. */
function check({ jobType, defaults, place }: Handler): void {
  try {
    checkJobType(jobType);
    checkDefaults(defaults);
  } catch (error) {
    throw new InvalidJobError(`${place}: ${messageOf(error)}`);
  }
}
