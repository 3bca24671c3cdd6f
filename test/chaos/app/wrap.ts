/** Methods as the suite sees them: private ones too, which is why their types are given by the caller. */
type Method<Args extends unknown[], Result> = (...args: Args) => Result;

/** Puts `around` in place of a method of a class of the library, for this process. Throws when there is no such method: a seam that has moved must not pass in silence. */
export function wrap<Self, Args extends unknown[], Result>(
  prototype: object,
  method: string,
  around: (this: Self, original: Method<Args, Result>, ...args: Args) => Result,
): void {
  const holder = prototype as Record<string, unknown>;
  const original = holder[method];
  if (typeof original !== 'function')
    throw new Error(`The library has no method ${method}() any more.`);
  holder[method] = function (this: Self, ...args: Args): Result {
    return around.call(
      this,
      (...given: Args) =>
        Reflect.apply(original as Method<Args, Result>, this, given),
      ...args,
    );
  };
}
