import { Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import { Registrations } from '../config/registrations.js';
import {
  DuplicateHandlerError,
  InvalidJobError,
  InvalidOptionsError,
} from '../errors/kyu.errors.js';
import { backoffMs } from '../job/backoff.js';
import { loadClassTools } from '../job/class-schema.js';
import { retryWait, type RetryWait } from '../job/job-backoff.js';
import { JobDefinition } from '../job/job-definition.js';
import { isDtoClass, type JobSchema } from '../job/job-schema.js';
import {
  checkDefaults,
  checkJobType,
  type JobDefaults,
} from '../job/new-job.js';
import { UNDEFINED_BY_CIRCULAR_IMPORT } from '../runtime/circular-import.js';
import { messageOf } from '../runtime/describe-error.js';
import { jobsOf, type KyuLog } from '../runtime/kyu-log.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { showValue } from '../runtime/show-value.js';
import { checkedCall } from './checked-call.js';
import { duplicateAdvice } from './duplicate-advice.js';
import { HandlerExplorer } from './handler.explorer.js';
import { handlerResult, whyNoGenerator } from './handler-result.js';
import type {
  Handler,
  JobHandlerFunction,
  RegisterOptions,
} from './handler.js';
import { InterceptorFactory } from './interceptor.factory.js';
import { throughInterceptors } from './interceptor-chain.js';
import { newExecutionContext } from './pipeline.js';

/**
 * Is responsible for knowing which function runs which job type. A Map, so that `constructor` and `__proto__` are names like any other.
 * What a run has looked up stays as it was, whatever is registered meanwhile.
 */
@Injectable()
export class HandlerRegistry {
  private readonly handlers = new Map<string, Handler>();
  /** The calls inside all interceptors, made when they are first asked for. */
  private readonly calls = new Map<string, JobHandlerFunction>();
  private readonly waits = new Map<string, RetryWait>();
  private interceptors: readonly NestInterceptor[] = [];
  private types: readonly string[] = [];

  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly explorer: HandlerExplorer,
    private readonly interceptorFactory: InterceptorFactory,
    private readonly registrations: Registrations,
    @Inject(KyuLogger) private readonly logger: KyuLog,
  ) {}

  /** Finds the decorated handlers of this registration and makes the module's interceptors. Once, at bootstrap. @throws {DuplicateHandlerError | InvalidOptionsError} */
  async load(): Promise<void> {
    await this.loadNew();
    const made = await this.interceptorFactory.makeAll();
    this.interceptors = [...made, ...this.interceptors];
    this.calls.clear();
  }

  /** Finds those of providers that are new since the last call. @throws {DuplicateHandlerError | InvalidOptionsError} */
  async loadNew(): Promise<void> {
    for (const handler of this.explorer.explore()) {
      const unknown = this.registrations.whyUnknown(handler.queue);
      if (unknown)
        throw new InvalidOptionsError([`${handler.place} ${unknown}`]);
      if (handler.queue !== this.config.name) continue;
      const other = this.handlers.get(handler.jobType);
      // One that was registered at run time replaces the decorated one, whichever is first.
      if (other?.provider)
        throw new DuplicateHandlerError(
          handler.jobType,
          [other.place, handler.place],
          duplicateAdvice(other, handler),
        );
      if (!other) this.put(handler);
    }
    if ([...this.handlers.values()].some(({ schema }) => isDtoClass(schema)))
      await loadClassTools();
  }

  /** Sets the handler of a type, in place of the one it had; defaults that are not given stay. */
  register(
    type: string | JobDefinition,
    call: JobHandlerFunction,
    { transactional = false, ...defaults }: RegisterOptions,
  ): void {
    const definition = type instanceof JobDefinition ? type : undefined;
    const jobType = definition?.name ?? (type as string);
    if (typeof call !== 'function')
      throw new InvalidJobError(
        `Expected the handler of ${showValue(jobType)} to be a function, got: ${showValue(call)}.`,
      );
    const generator = whyNoGenerator(call);
    if (generator)
      throw new InvalidJobError(
        `register(${showValue(jobType)}) ${generator}.`,
      );
    this.put({
      jobType,
      place: `register(${showValue(jobType)})`,
      queue: this.config.name,
      defaults: {
        ...this.defaultsOf(jobType),
        ...definition?.defaults,
        ...defaults,
      },
      schema: definition?.schema ?? this.schemaOf(jobType),
      transactional,
      call: async (payload, context) =>
        handlerResult(await call(payload, context), context),
      hostClass: Object,
      method: call as never,
      provider: undefined,
    });
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
    this.calls.clear();
  }

  /** The types that this process can run. */
  get jobTypes(): readonly string[] {
    return this.types;
  }

  has(jobType: string): boolean {
    return this.handlers.has(jobType);
  }

  defaultsOf(jobType: string): JobDefaults {
    return this.configured(jobType, this.handlers.get(jobType)?.defaults ?? {});
  }

  isTransactional(jobType: string): boolean {
    return this.handlers.get(jobType)?.transactional ?? false;
  }

  /** What checks the payloads of a type, if this process knows. */
  schemaOf(jobType: string): JobSchema | undefined {
    return this.handlers.get(jobType)?.schema;
  }

  /** How long a job of this type waits for its next try. */
  waitOf(jobType: string): RetryWait {
    return (
      this.waits.get(jobType) ??
      ((attempt) => backoffMs(attempt, this.config.backoff))
    );
  }

  /** A function that runs a job of this type inside all interceptors, or undefined. */
  resolve(jobType: string): JobHandlerFunction | undefined {
    const known = this.calls.get(jobType);
    if (known) return known;
    const handler = this.handlers.get(jobType);
    if (!handler) return undefined;
    const call = this.complete(handler);
    this.calls.set(jobType, call);
    return call;
  }

  /** The schema is outermost: whoever is around the handler sees the payload as it should be. */
  private complete(handler: Handler): JobHandlerFunction {
    const { jobType, schema, hostClass, method } = handler;
    let { call } = handler;
    if (this.interceptors.length > 0) {
      const inner = throughInterceptors(this.interceptors, call);
      call = (payload, job) =>
        inner(
          payload,
          job,
          newExecutionContext(payload, job, hostClass, method),
        );
    }
    return schema ? checkedCall(jobType, schema, call) : call;
  }

  /** What to do so that this process runs jobs of a type that it has no handler for. */
  adviceFor(jobType: string): string {
    // Quoted: a type may hold line breaks, and a log line must stay one.
    const type = JSON.stringify(jobType);
    const host = this.explorer.unprovidedHostOf(jobType);
    return host === undefined
      ? `add @JobHandler(${type}) or correct the type.`
      : `${host} has a @JobHandler(${type}), and no module of this application provides ${host}: add it to the providers of a module.`;
  }

  /** What the configuration says stands in front of what the code says. */
  private configured(jobType: string, defaults: JobDefaults): JobDefaults {
    const options = this.config.handlerOptions.get(jobType);
    return options ? { ...defaults, ...options } : defaults;
  }

  private put(handler: Handler): void {
    this.waits.set(handler.jobType, this.check(handler));
    this.handlers.set(handler.jobType, handler);
    this.calls.delete(handler.jobType);
    this.types = [...this.handlers.keys()];
  }

  /** The waits between its retries. @throws {InvalidJobError} that says where the handler is. */
  private check(handler: Handler): RetryWait {
    const { jobType, defaults, transactional, place } = handler;
    try {
      if (typeof transactional !== 'boolean')
        throw new InvalidJobError(
          `Expected transactional to be true or false, got: ${showValue(transactional)}.`,
        );
      if (jobType === undefined)
        throw new InvalidJobError(
          `the job type is ${UNDEFINED_BY_CIRCULAR_IMPORT}.`,
        );
      checkJobType(jobType);
      checkDefaults(defaults);
      const { backoff } = this.configured(jobType, defaults);
      return retryWait(backoff, this.config.backoff, (problem) =>
        this.logger.limited(
          'warn',
          jobsOf(jobType),
          'waits that could not be used',
          () =>
            `The backoff of ${place} ${problem}; the job waits as the module says.`,
        ),
      );
    } catch (error) {
      throw new InvalidJobError(`${place}: ${messageOf(error)}`);
    }
  }
}
