import { Scope } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { STATIC_CONTEXT } from '@nestjs/core/injector/constants.js';

export type Prototype = Record<string, (...args: never[]) => unknown>;

/** A provider or controller, and the prototype that has its methods. */
export interface ProvidedClass {
  wrapper: InstanceWrapper;
  prototype: Prototype;
}

/**
 * All providers and controllers of the application that have methods and that Nest has made. While a module is loaded lazily, some are not made yet.
 * An alias is not another one.
 */
export function* providedClasses(
  discovery: DiscoveryService,
): Generator<ProvidedClass> {
  for (const wrapper of [
    ...discovery.getProviders(),
    ...discovery.getControllers(),
  ]) {
    if (wrapper.isAlias || !isMade(wrapper)) continue;
    const prototype = prototypeOf(wrapper);
    if (prototype) yield { wrapper, prototype };
  }
}

/** A provider that is made anew for each request or injection is never made by itself. */
const isMade = (wrapper: InstanceWrapper): boolean =>
  wrapper.isTransient ||
  wrapper.scope === Scope.REQUEST ||
  wrapper.getInstanceByContextId(STATIC_CONTEXT).isResolved === true;

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
