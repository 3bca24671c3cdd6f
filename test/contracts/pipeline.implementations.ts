import type {
  ArgumentsHost,
  INestApplication,
  ModuleMetadata,
  NestInterceptor,
  Type,
} from '@nestjs/common';
import {
  ContextIdFactory,
  ExternalContextCreator,
  ModuleRef,
  ModulesContainer,
} from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { Test } from '@nestjs/testing';
import { isObservable, lastValueFrom } from 'rxjs';
import type { JobContext } from '@kyu/nestjs';
import type { KyuConfig } from '../../libs/kyu/src/config/kyu.config.js';
import { HandlerCompiler } from '../../libs/kyu/src/handlers/handler.compiler.js';

/** Calls `run` of a provider inside the pipeline. */
export type Dispatch = (payload?: unknown) => Promise<unknown>;

type Implementation = (
  app: INestApplication,
  wrapper: InstanceWrapper,
) => (payload: unknown, job: JobContext) => unknown;

/** What `JobContext` the tests' jobs have. */
export const JOB = {
  id: 'job 1',
  type: 'test',
  signal: new AbortController().signal,
} as JobContext;

/** As people outside of Kyu call a method through Nest's enhancers. */
const byNest: Implementation = (app, wrapper) => {
  const external = app.get(ExternalContextCreator);
  const create = (
    instance: Record<string, (...args: unknown[]) => unknown>,
    contextId?: ReturnType<typeof ContextIdFactory.create>,
  ) =>
    external.create(
      instance,
      instance.run!,
      'run',
      '__routeArguments__',
      { exchangeKeyForValue: () => undefined },
      contextId,
      contextId && wrapper.id,
      { guards: true, interceptors: true, filters: true },
      'kyu',
    );
  if (wrapper.isDependencyTreeStatic()) return create(wrapper.instance);
  return async (payload, job) => {
    const contextId = ContextIdFactory.create();
    const moduleRef = app.get(ModuleRef);
    moduleRef.registerRequestByContextId(job, contextId);
    const instance = await moduleRef.resolve(
      wrapper.token as string,
      contextId,
      { strict: false },
    );
    return create(instance, contextId)(payload, job);
  };
};

const fail = (line: unknown): never => {
  throw new Error(String(line));
};

const byKyu: Implementation = (app, wrapper) =>
  new HandlerCompiler(
    { globalEnhancers: true } as KyuConfig,
    app.get(ExternalContextCreator),
    app.get(ModuleRef),
    app.get(ModulesContainer),
    { log: fail, warn: fail, error: fail },
  ).compile(wrapper, 'run', (wrapper.metatype as Type).prototype.run);

const apps: INestApplication[] = [];

/** An application whose provider `Jobs` has the method `run`. */
async function pipelineOf(
  implementation: Implementation,
  Jobs: Type,
  metadata: ModuleMetadata = {},
  prepare: (app: INestApplication) => void = () => undefined,
): Promise<Dispatch> {
  const { providers = [], ...rest } = metadata;
  const module = await Test.createTestingModule({
    ...rest,
    providers: [...providers, Jobs],
  }).compile();
  const app = module.createNestApplication({ logger: false });
  apps.push(app);
  prepare(app);
  await app.init();
  const wrapper = [...app.get(ModulesContainer).values()]
    .map(({ providers: all }) => all.get(Jobs))
    .find((found) => found !== undefined)!;
  const run = implementation(app, wrapper);
  return async (payload) => {
    const result: unknown = await run(payload, JOB);
    return isObservable(result) ? lastValueFrom(result) : result;
  };
}

type Start = (
  Jobs: Type,
  metadata?: ModuleMetadata,
  prepare?: (app: INestApplication) => void,
) => Promise<Dispatch>;

/**
 * What Nest does around a method, held against Nest itself: whatever is true of the one must be true of the other. Where Kyu differs, and why, is in the guide
 * pipeline.md; those tests are in test/field (02, 03, 04) and test/integration/filters.
 */
export const describePipelines = (define: (start: Start) => void): void =>
  describe.each([
    ["Nest's own ExternalContextCreator", byNest],
    ['the pipeline that Kyu compiles', byKyu],
  ] as const)('%s', (_, implementation) =>
    define((...args) => pipelineOf(implementation, ...args)),
  );

/** An interceptor of one function. */
export const around = (
  intercept: NestInterceptor['intercept'],
): NestInterceptor => ({ intercept });

export const boom = new Error('boom');

afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

/** The kinds of host and context that an enhancer may ask for, as one line. */
export const describeHost = (host: ArgumentsHost): string =>
  `${host.getType<string>()} ${host.switchToRpc().getContext<JobContext>().id}`;
