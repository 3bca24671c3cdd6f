/**
 * Makes `instanceof` true for instances that another copy of this package made. A monorepo may hold two
 * copies, and the class of one is not that of the other. For subclasses of an application `instanceof`
 * means what it always means.
 *
 * @param name the same in all copies and versions.
 */
export function brand(
  type: abstract new (...args: never[]) => object,
  name: string,
): void {
  const key = Symbol.for(`kyu:${name}`);
  Object.defineProperty(type.prototype, key, { value: true });
  Object.defineProperty(type, Symbol.hasInstance, {
    value(this: unknown, candidate: unknown): boolean {
      if (this === type)
        return (
          typeof candidate === 'object' &&
          candidate !== null &&
          key in candidate
        );
      return Function.prototype[Symbol.hasInstance].call(
        this as never,
        candidate,
      );
    },
  });
}
