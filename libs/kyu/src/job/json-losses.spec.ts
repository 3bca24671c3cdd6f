import { runInNewContext } from 'node:vm';
import { encodePayload, encodeResult } from './json-limits.js';

const refusalOf = (payload: unknown): string => {
  try {
    encodePayload(payload);
    return 'it was accepted';
  } catch (error) {
    return (error as Error).message;
  }
};

class Point {
  #hidden = 1;
  constructor(public x?: number) {}
  get hidden(): number {
    return this.#hidden;
  }
}

describe('what JSON empties', () => {
  it.each<[string, unknown, string]>([
    ['NaN', { items: [{}, { total: NaN }] }, 'payload.items[1].total is NaN,'],
    ['Infinity', { a: -Infinity }, 'payload.a is -Infinity, which'],
    ['NaN itself', NaN, 'payload is NaN, which JSON turns into null'],
    ['new Number(NaN)', [new Number(NaN)], 'payload[0] is NaN'],
    ['undefined in a list', [1, undefined], 'payload[1] is undefined, which'],
    [
      'a hole in a list',
      Object.assign([], { length: 1 }),
      'payload[0] is undefined',
    ],
    ['a function in a list', { a: [() => 1] }, 'payload.a[0] is a function'],
    ['a symbol in a list', [Symbol('x')], 'payload[0] is a symbol'],
    ['a Promise', { user: Promise.resolve(1) }, 'payload.user is a Promise'],
    [
      'a thenable',
      {
        q: Object.assign(new Point(), { ['th' + 'en']: () => 1 }),
      },
      'q is a Promise',
    ],
    ['a Map', new Map([[1, 2]]), 'payload is a Map, which JSON turns into {}'],
    ['a Map with a property', Object.assign(new Map(), { a: 1 }), 'is a Map'],
    ['a Set', { 'a b': new Set() }, 'payload["a b"] is a Set'],
    ['a WeakMap', [new WeakMap()], 'payload[0] is a WeakMap'],
    ['a RegExp', { a: /x/ }, 'payload.a is a RegExp'],
    ['an Error', { e: new TypeError('x') }, 'payload.e is an Error, whose'],
    [
      'an Error with a code',
      Object.assign(new Error('x'), { code: 1 }),
      'payload is an Error',
    ],
    ['an ArrayBuffer', [new ArrayBuffer(8)], 'payload[0] is a ArrayBuffer'],
    ['URLSearchParams', [new URLSearchParams('a=1')], 'a URLSearchParams'],
    ['Headers', { h: new Headers({ a: 'b' }) }, 'payload.h is a Headers'],
    ['a generator', [(function* () {})()], 'payload[0] is a Generator'],
    ['an invalid Date', { at: new Date(NaN) }, 'payload.at is an invalid Date'],
    ['a Map of another realm', runInNewContext('new Map()'), 'is a Map'],
    ['NaN in a class', { p: new Point(NaN) }, 'payload.p.x is NaN'],
  ])('is refused: %s', (_, payload, part) => {
    const message = refusalOf(payload);
    expect(message).toContain(part);
    expect(message).toMatch(/; .*\. Nothing was stored\.$/);
  });

  it.each<[string, unknown]>([
    ['an undefined property', { a: undefined }],
    ['a function as a property', { a: () => 1 }],
    ['a Date', { at: new Date(0) }],
    ['a Date of another realm', runInNewContext('({ at: new Date(0) })')],
    ['an object of another realm', runInNewContext('({ a: { b: [1] } })')],
    ['a URL', new URL('http://a/b')],
    ['a Buffer', Buffer.from('x')],
    ['a typed array', new Uint8Array(2)],
    ['an empty object', {}],
    ['a boxed boolean and a boxed text', [new Boolean(true), new String('')]],
    ['an empty instance of a class', new Point()],
    ['an object without a prototype', Object.create(null)],
    ['an object that writes its own JSON', { m: new Map(), toJSON: () => 1 }],
    [
      'a class that does',
      new (class extends Map {
        toJSON() {
          return 1;
        }
      })(),
    ],
    [
      'an Error with an own message',
      Object.assign(new Error(), { message: 'x' }),
    ],
    ['NUL and half a pair', { a: '\0 \ud800' }],
    [
      'a getter of a class',
      {
        get a() {
          return 1;
        },
      },
    ],
  ])('is not: %s', (_, payload) => {
    expect(encodePayload(payload)).toBe(JSON.stringify(payload));
  });

  it('is what neither a deep nor a wide payload is taken for', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 2_000; i++) deep = { deep };
    expect(encodePayload(deep)).toContain('{"deep":1}');
    const key = 'k'.repeat(1_000);
    expect(refusalOf({ [key]: NaN }).length).toBeLessThan(250);
  });

  it('makes of a result nothing, and says where', () => {
    expect(encodeResult({ rows: [new Map()] })).toEqual({
      json: null,
      dropped: expect.stringMatching(/^result\.rows\[0\] is a Map, /) as string,
    });
    expect(encodeResult({ ok: true })).toEqual({ json: '{"ok":true}' });
  });
});
