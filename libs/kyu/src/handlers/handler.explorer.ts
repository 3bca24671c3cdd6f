import { Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { InvalidOptionsError } from '../errors/kyu.errors.js';
import { HandlerCompiler } from './handler.compiler.js';
import { whyNoGenerator } from './handler-result.js';
import type { Handler, JobHandlerFunction } from './handler.js';
import { labelOf, queueOf, readJobHandlers } from './job-handler.decorator.js';
import { asksForManager } from './job-parameters.decorator.js';
import {
  providedClasses,
  type Prototype,
  type ProvidedClass,
} from './provided-classes.js';
import { unprovidedClasses } from './unprovided-classes.js';

/** Is responsible for finding the `@JobHandler()` methods of all providers and controllers. */
@Injectable()
export class HandlerExplorer {
  private readonly known = new WeakSet<object>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly compiler: HandlerCompiler,
  ) {}

  /** Those of all providers and controllers that Nest has made and that are new since the last call. */
  *explore(): Generator<Handler> {
    for (const provided of providedClasses(this.discovery)) {
      if (this.known.has(provided.wrapper)) continue;
      // Also one that is refused: the next module that is loaded has nothing to do with it.
      this.known.add(provided.wrapper);
      yield* this.handlersOf(provided);
    }
  }

  /** The name of a class that has the handler of a type, and that no module provides. */
  unprovidedHostOf(jobType: string): string | undefined {
    const label = labelOf(jobType);
    return unprovidedClasses(this.discovery)
      .filter(({ decorations }) =>
        decorations.some((each) => each.label === label),
      )
      .map(({ name }) => name)[0];
  }

  private *handlersOf({
    wrapper,
    prototype,
  }: ProvidedClass): Generator<Handler> {
    const hostClass = prototype.constructor as never as Handler['hostClass'];
    for (const name of this.scanner.getAllMethodNames(prototype)) {
      const method = prototype[name]!;
      const decorators = readJobHandlers(method);
      if (decorators.length === 0) continue;
      if (wrapper.isNotMetatype) refuseEnhancerClasses(prototype, method);
      const place = `${hostClass.name}.${name} (${wrapper.host?.name ?? 'no module'})`;
      const generator = whyNoGenerator(method);
      if (generator) throw new InvalidOptionsError([`${place} ${generator}`]);
      const call = lazily(() => this.compiler.compile(wrapper, name, method));
      for (const metadata of decorators) {
        if (!metadata.transactional && asksForManager(hostClass, name))
          throw new InvalidOptionsError([
            `${hostClass.name}.${name} has a @JobManager() and no transaction: write @JobHandler('${metadata.jobType}', { transactional: true })`,
          ]);
        const { definition, ...named } = metadata;
        yield {
          ...named,
          queue: queueOf(metadata, hostClass, place),
          schema: definition?.schema,
          place,
          call,
          hostClass,
          method,
          provider: wrapper,
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
