import type { DiscoveryService } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';

export type Prototype = Record<string, (...args: never[]) => unknown>;

/** A provider or controller, and the prototype that has its methods. */
export interface ProvidedClass {
  wrapper: InstanceWrapper;
  prototype: Prototype;
}

/** All providers and controllers of the application that have methods. An alias is not another one. */
export function* providedClasses(
  discovery: DiscoveryService,
): Generator<ProvidedClass> {
  for (const wrapper of [
    ...discovery.getProviders(),
    ...discovery.getControllers(),
  ]) {
    const prototype = wrapper.isAlias ? undefined : prototypeOf(wrapper);
    if (prototype) yield { wrapper, prototype };
  }
}

/** By the class where there is one: a request-scoped provider has no instance yet. A factory only has what it returned. */
function prototypeOf(wrapper: InstanceWrapper): Prototype | undefined {
  const { metatype, instance } = wrapper as {
    metatype: { prototype?: Prototype } | null;
    instance: object | undefined;
  };
  if (!wrapper.isNotMetatype) return metatype?.prototype;
  return instance && typeof instance === 'object'
    ? ((Object.getPrototypeOf(instance) as Prototype | null) ?? undefined)
    : undefined;
}

/** The prototypes that an instance has its methods of, its own class's first. */
export function* prototypesOf(prototype: Prototype): Generator<Prototype> {
  let each: Prototype | null = prototype;
  while (each && each !== (Object.prototype as unknown)) {
    yield each;
    each = Object.getPrototypeOf(each) as Prototype | null;
  }
}
