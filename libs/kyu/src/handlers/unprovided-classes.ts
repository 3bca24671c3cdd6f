import type { DiscoveryService } from '@nestjs/core';
import {
  decoratedClasses,
  decorationsOf,
  type Decoration,
} from './decorated-methods.js';
import { providedClasses, prototypesOf } from './provided-classes.js';

/** A class with decorated methods that no module of an application provides, nor a subclass of it. */
export interface UnprovidedClass {
  name: string;
  decorations: readonly Decoration[];
}

export function unprovidedClasses(
  discovery: DiscoveryService,
): UnprovidedClass[] {
  const provided = new Set<object>();
  for (const { prototype } of providedClasses(discovery))
    for (const each of prototypesOf(prototype)) provided.add(each);
  return [...decoratedClasses()]
    .filter(({ prototype }) => !provided.has(prototype))
    .map(({ name, prototype }) => ({
      name,
      decorations: decorationsOf(prototype),
    }));
}
