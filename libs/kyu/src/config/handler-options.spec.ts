import type { KyuOptions } from './kyu.options.js';
import { resolveOptions } from './resolve-options.js';

const resolve = (handlerOptions: unknown) =>
  resolveOptions({ handlerOptions } as KyuOptions, {}).handlerOptions;

describe('handlerOptions', () => {
  it('are kept by job type', () => {
    expect(resolve({ send: { timeout: '10s', maxRetries: 1 } })).toEqual(
      new Map([['send', { timeout: '10s', maxRetries: 1 }]]),
    );
  });

  it('may be unset, each by itself', () => {
    expect(resolve({ send: { timeout: undefined, priority: 0 } })).toEqual(
      new Map([['send', { priority: 0 }]]),
    );
    expect(resolve(undefined).size).toBe(0);
  });

  it('may be of a type with any name', () => {
    const options = JSON.parse('{"__proto__":{"maxRetries":1}}') as object;
    expect(resolve(options).get('__proto__')).toEqual({ maxRetries: 1 });
    expect(resolve({}).get('constructor')).toBeUndefined();
  });

  it.each([
    [3, /expected "handlerOptions" to be an object, got: 3/],
    [[], /expected "handlerOptions" to be an object, got: an array/],
    [{ send: 3 }, /expected "handlerOptions.send" to be an object such as/],
    [
      { send: { timeuot: 1 } },
      /unknown option "timeuot" in "handlerOptions.send", did you mean "timeout"\?/,
    ],
    [
      { send: { queue: 'billing' } },
      /unknown option "queue" in "handlerOptions.send"/,
    ],
    [{ send: { timeout: 'soon' } }, /"handlerOptions.send": Expected timeout/],
    [{ send: { maxRetries: -1 } }, /Expected maxRetries to be an integer/],
  ])('refuses %j', (handlerOptions, message) => {
    expect(() => resolve(handlerOptions)).toThrow(message);
  });
});
