import { InvalidOptionsError } from '../errors/kyu.errors.js';

/**
 * What a method decorator of Kyu leaves on the class, besides what it writes on the method. The boot
 * finds by it the decorators that have no effect.
 */
export interface Decoration {
  /** Under which the decorator writes on its methods. */
  readonly metadataKey: symbol;
  /** For people: `@JobHandler('send_email')`. */
  readonly label: string;
  /** Undefined for a decorator on a class. */
  readonly key: string | symbol | undefined;
  /** False for a property or an accessor. */
  readonly isMethod: boolean;
}

/** What a compiler hands to a standard (TC39) decorator beside the method itself. */
interface StandardContext {
  readonly kind: string;
  readonly static?: boolean;
}

/** What TypeScript hands to a decorator; a standard one gets the method and its context instead. */
type Decorated = readonly [
  target: object,
  key?: string | symbol | StandardContext,
  descriptor?: { readonly value?: unknown },
];

// `Symbol.for`: a class may be decorated by another copy of this package.
const DECORATIONS = Symbol.for('kyu:decorations');
const CLASSES = Symbol.for('kyu:decorated-classes');

/**
 * Notes a decorator on its class, and adds what it says to the list that the method carries under
 * `metadataKey`. A list, because a decorator may stand on a method several times.
 */
export function decorateMethod(
  metadataKey: symbol,
  entry: object,
  label: string,
  [target, key, descriptor]: Decorated,
): void {
  if (typeof key === 'object') {
    // The class is not known yet, so there is no note of this one; without the metadata of
    // TypeScript nothing but a method can be decorated in this form.
    if (key.kind !== 'method' || key.static)
      throw new InvalidOptionsError([
        `${label} stands on a ${key.static ? 'static ' : ''}${key.kind}, where it has no effect: put it on a method of the instance`,
      ]);
    addEntry(metadataKey, target, entry);
    return;
  }
  const method: unknown = descriptor?.value;
  const isMethod = typeof method === 'function';
  const noted = decorationsOf(target);
  const note: Decoration = { metadataKey, label, key, isMethod };
  Reflect.defineMetadata(DECORATIONS, [...noted, note], target);
  if (noted.length === 0) remember(target);
  if (isMethod) addEntry(metadataKey, method, entry);
}

function addEntry(metadataKey: symbol, method: object, entry: object): void {
  const entries = [...entriesOf(metadataKey, method), entry];
  Reflect.defineMetadata(metadataKey, entries, method);
}

/** What the decorators of one kind wrote on a method, the lowest one's first. */
export const entriesOf = <T>(
  metadataKey: symbol,
  method: object,
): readonly T[] =>
  (Reflect.getMetadata(metadataKey, method) as readonly T[] | undefined) ?? [];

/** The decorators on the methods that a prototype defines itself; on static ones, for a constructor. */
export const decorationsOf = (target: object): readonly Decoration[] =>
  (Reflect.getOwnMetadata(DECORATIONS, target) as
    readonly Decoration[] | undefined) ?? [];

/** All classes of this process with such a decorator, whichever application they belong to. Only to name those that no module provides. */
export function* decoratedClasses(): Generator<DecoratedClass> {
  for (const reference of classes()) {
    const found = reference.deref();
    if (found) yield found;
    else classes().delete(reference);
  }
}

interface DecoratedClass {
  name: string;
  prototype: object;
}
type ClassReference = WeakRef<DecoratedClass>;

function classes(): Set<ClassReference> {
  const shared = globalThis as { [CLASSES]?: Set<ClassReference> };
  return (shared[CLASSES] ??= new Set());
}

function remember(target: object): void {
  const isClass = typeof target === 'function';
  const other = (isClass ? target.prototype : target.constructor) as object;
  // Its static methods may have been noted before, or those of its instances.
  if (decorationsOf(other).length > 0) return;
  classes().add(new WeakRef((isClass ? target : other) as never));
}
