import { runInNewContext } from 'node:vm';
import {
  describeError,
  MAX_ERROR_BYTES,
  MAX_STACK_BYTES,
  messageOf,
} from './describe-error.js';

const UNSHOWABLE = {
  message: 'The handler threw a value that cannot be shown.',
};

/** An error whose property is not what its type says. */
const errorWith = (property: string, value: unknown): Error =>
  Object.defineProperty(new Error('as usual'), property, { value });

describe('describeError', () => {
  it('of an Error is its message and its stack', () => {
    const error = new TypeError('no such user');
    expect(describeError(error)).toEqual({
      message: 'no such user',
      stack: error.stack,
    });
  });

  it.each<[string, unknown, string]>([
    ['null', null, 'The handler threw null'],
    ['undefined', undefined, 'The handler threw undefined'],
    ['a string', 'full disk', 'The handler threw full disk'],
    ['an empty string', '', 'The handler threw '],
    ['a number', 42, 'The handler threw 42'],
    ['a BigInt', 42n, 'The handler threw 42n'],
    ['a symbol', Symbol('stop'), 'The handler threw Symbol(stop)'],
    ['an object', { code: 7 }, 'The handler threw { code: 7 }'],
    [
      'an object without prototype',
      Object.assign(Object.create(null) as object, { a: 1 }),
      'The handler threw [Object: null prototype] { a: 1 }',
    ],
  ])('of %s says what it was, and has no stack', (_, thrown, message) => {
    expect(describeError(thrown)).toEqual({ message });
  });

  it('does not go deeper than a few levels, and not in circles', () => {
    const circle: Record<string, unknown> = { a: { b: { c: { d: 1 } } } };
    circle.self = circle;
    const { message } = describeError(circle);
    expect(message).toContain('[Circular');
    expect(message).toContain('[Object]');
  });

  it('of a wide object is one line', () => {
    const wide = { first: 'x'.repeat(60), second: 'y'.repeat(60) };
    expect(describeError(wide).message).not.toContain('\n');
  });

  it('of an Error without a message is its name', () => {
    expect(describeError(new RangeError()).message).toBe('RangeError');
    expect(describeError(errorWith('name', '')).message).toBe('as usual');
  });

  it.each<[string, unknown, string]>([
    ['number', 42, '42'],
    ['object', { reason: 'x' }, '[object Object]'],
    ['null', null, 'null'],
  ])('of an Error whose message is a %s is text', (_, value, expected) => {
    expect(describeError(errorWith('message', value)).message).toBe(expected);
  });

  it('of an Error whose stack is no text has none', () => {
    expect(describeError(errorWith('stack', 42))).toEqual({
      message: 'as usual',
    });
    expect(describeError(errorWith('stack', undefined))).not.toHaveProperty(
      'stack',
    );
  });

  const explode = (): never => {
    throw new Error('from a getter');
  };
  it.each<[string, () => unknown]>([
    [
      'Error with a throwing message',
      () => Object.defineProperty(new Error(), 'message', { get: explode }),
    ],
    [
      'Error with a throwing stack',
      () => Object.defineProperty(new Error('x'), 'stack', { get: explode }),
    ],
    [
      'Error whose message cannot become text',
      () => errorWith('message', Object.create(null)),
    ],
    [
      'Proxy that throws at every touch',
      () =>
        new Proxy(
          {},
          { get: explode, getPrototypeOf: explode, ownKeys: explode },
        ),
    ],
    ['revoked Proxy', unshowable],
    [
      'object with an inspector that throws',
      () => ({ [Symbol.for('nodejs.util.inspect.custom')]: explode }),
    ],
  ])('never throws itself: %s', (_, make) => {
    expect(describeError(make())).toEqual(UNSHOWABLE);
  });

  it('shows an object with throwing getters without calling them', () => {
    const { message } = describeError({
      get secret(): string {
        return explode();
      },
    });
    expect(message).toBe('The handler threw { secret: [Getter] }');
  });

  it('replaces NUL and lone surrogates, which PostgreSQL refuses', () => {
    const error = new Error('a\0b\ud800c');
    const { message, stack } = describeError(error);
    expect(message).toBe('a\uFFFDb\uFFFDc');
    expect(stack).toContain('a\uFFFDb\uFFFDc');
    expect(describeError('\0').message).toBe('The handler threw \uFFFD');
  });

  it.each([
    ['one byte a character', 'x'],
    ['four bytes a character', '🦉'],
    ['lone surrogates', '\ud800'],
    ['NULs', '\0'],
  ])('keeps 8 KiB of a message of 10 MB (%s)', (_, character) => {
    const error = new Error(character.repeat(10_000_000 / character.length));
    const { message, stack } = describeError(error);
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(MAX_ERROR_BYTES);
    expect(Buffer.byteLength(message)).toBeGreaterThan(MAX_ERROR_BYTES - 4);
    expect(message.endsWith('… [cut]')).toBe(true);
    expect(Buffer.byteLength(stack!)).toBeLessThanOrEqual(MAX_STACK_BYTES);
    expect(message.isWellFormed()).toBe(true);
  });

  it('keeps a message of exactly 8 KiB, and cuts one byte more', () => {
    const fits = 'x'.repeat(MAX_ERROR_BYTES);
    expect(describeError(new Error(fits)).message).toBe(fits);
    expect(describeError(new Error(`${fits}x`)).message).toMatch(/\[cut]$/);
  });

  it('bounds what is thrown without being an Error, too', () => {
    const { message } = describeError('x'.repeat(10_000_000));
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(MAX_ERROR_BYTES);
    const many = describeError(
      Object.fromEntries(
        Array.from({ length: 10_000 }, (_, i) => [`key${i}`, 'v'.repeat(100)]),
      ),
    );
    expect(Buffer.byteLength(many.message)).toBeLessThanOrEqual(
      MAX_ERROR_BYTES,
    );
  });

  it("of an Error of another realm (a vm's, Node's own under jest) is its message and its stack", () => {
    const error = runInNewContext("new TypeError('no such file')") as Error;
    expect(describeError(error)).toEqual({
      message: 'no such file',
      stack: error.stack,
    });
  });

  it('takes milliseconds for 10 MB of NULs: what is cut off need not be made storable', () => {
    const error = new Error('\0'.repeat(10_000_000));
    const start = performance.now();
    describeError(error);
    expect(performance.now() - start).toBeLessThan(500);
  });
});

describe('messageOf', () => {
  it.each<[string, unknown, string]>([
    ['an Error', new TypeError('no such user'), 'no such user'],
    ['text', 'full disk', 'full disk'],
    ['null', null, 'null'],
    ['an object', { code: 7 }, '{ code: 7 }'],
    ['what cannot be shown', unshowable(), 'a value that cannot be shown.'],
  ])('of %s is what it says, and not who threw it', (_, thrown, message) => {
    expect(messageOf(thrown)).toBe(message);
  });
});

function unshowable(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
