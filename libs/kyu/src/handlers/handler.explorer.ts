import { Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { InvalidOptionsError } from '../errors/kyu.errors.js';
import { HandlerCompiler } from './handler.compiler.js';
import { whyNoGenerator } from './handler-result.js';
import type { Handler, JobHandlerFunction } from './handler.js';
import { queueOf, readJobHandler } from './job-handler.decorator.js';
import { asksForManager } from './job-parameters.decorator.js';

type Prototype = Record<string, (...args: never[]) => unknown>;

/** Is responsible for finding the `@JobHandler()` methods of all providers and controllers. */
@Injectable()
export class HandlerExplorer {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly compiler: HandlerCompiler,
  ) {}

  *explore(): Generator<Handler> {
    const wrappers = [
      ...this.discovery.getProviders(),
      ...this.discovery.getControllers(),
    ];
    for (const wrapper of wrappers) {
      const prototype = wrapper.isAlias ? undefined : prototypeOf(wrapper);
      if (!prototype) continue;
      for (const name of this.scanner.getAllMethodNames(prototype)) {
        const method = prototype[name]!;
        const metadata = readJobHandler(method);
        if (!metadata) continue;
        if (wrapper.isNotMetatype) refuseEnhancerClasses(prototype, method);
        const hostClass =
          prototype.constructor as never as Handler['hostClass'];
        if (!metadata.transactional && asksForManager(hostClass, name))
          throw new InvalidOptionsError([
            `${hostClass.name}.${name} has a @JobManager() and no transaction: write @JobHandler('${metadata.jobType}', { transactional: true })`,
          ]);
        const { definition, ...named } = metadata;
        const place = `${hostClass.name}.${name} (${wrapper.host?.name ?? 'no module'})`;
        const generator = whyNoGenerator(method);
        if (generator) throw new InvalidOptionsError([`${place} ${generator}`]);
        yield {
          ...named,
          queue: queueOf(metadata, hostClass, place),
          schema: definition?.schema,
          place,
          call: lazily(() => this.compiler.compile(wrapper, name, method)),
          hostClass,
          method,
        };
      }
    }
  }
}

/** Compiled at its first job: the application's global enhancers are complete only when it has booted. */
function lazily(compile: () => JobHandlerFunction): JobHandlerFunction {
  let call: JobHandlerFunction | undefined;
  return (payload, context) => (call ??= compile())(payload, context);
}

/** By the class where there is one: a request-scoped provider has no instance yet. A factory only has what it returned. */
export function prototypeOf(wrapper: InstanceWrapper): Prototype | undefined {
  const { metatype, instance } = wrapper as {
    metatype: { prototype?: Prototype } | null;
    instance: object | undefined;
  };
  if (!wrapper.isNotMetatype) return metatype?.prototype;
  return instance && typeof instance === 'object'
    ? ((Object.getPrototypeOf(instance) as Prototype | null) ?? undefined)
    : undefined;
}

/** Guards, interceptors, pipes and filters, as `@UseGuards()` and its like note them. */
const ENHANCERS = [
  '__guards__',
  '__interceptors__',
  '__pipes__',
  '__exceptionFilters__',
];

/**
 * Nest makes instances of enhancer classes only for hosts that it makes itself. On others they would be skipped without a word, guards among them.
 *
 * @throws {InvalidOptionsError}
 */
function refuseEnhancerClasses(prototype: Prototype, method: object): void {
  const classes = [prototype.constructor, method].flatMap((target) =>
    ENHANCERS.flatMap(
      (key) => (Reflect.getMetadata(key, target as object) ?? []) as unknown[],
    ).filter((enhancer) => typeof enhancer === 'function'),
  );
  if (classes.length === 0) return;
  const names = classes.map((each) => (each as { name: string }).name);
  throw new InvalidOptionsError([
    `${names.join(', ')} would not run on the job handlers of ${prototype.constructor!.name}, which is provided by useValue or useFactory: provide it by useClass, or pass instances to @UseGuards() and its like`,
  ]);
}
