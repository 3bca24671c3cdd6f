import { InvalidJobError } from '../errors/kyu.errors.js';
import {
  encodePayload,
  encodeResult,
  MAX_PAYLOAD_BYTES,
  MAX_RESULT_BYTES,
} from './json-limits.js';

function refusal(payload: unknown): InvalidJobError {
  try {
    encodePayload(payload);
  } catch (error) {
    if (error instanceof InvalidJobError) return error;
    throw error;
  }
  throw new Error('The payload was accepted.');
}

const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;

const throwing = (thrown: unknown): object => ({
  toJSON() {
    throw thrown;
  },
});

describe('encodePayload', () => {
  it.each<[unknown]>([
    [null],
    [false],
    [0],
    [-1.5e300],
    [''],
    ['"quoted"'],
    ['{"json":"in a string"}'],
    ['NUL \0 and a lone surrogate \ud800 and 🦉'],
    [[]],
    [[[[[]]], [1, [2]]]],
    [{}],
    [{ a: { b: [null, true, 'x'] } }],
    [JSON.parse('{"__proto__":{"a":1},"constructor":2}') as unknown],
  ])('%j comes back as it was', (payload) => {
    const back: unknown = JSON.parse(encodePayload(payload));
    expect(back).toStrictEqual(payload);
    expect(Object.keys(Object(back) as object)).toEqual(
      Object.keys(Object(payload) as object),
    );
  });

  it.each<[string, unknown, string]>([
    ['undefined', undefined, 'is undefined, which JSON cannot hold'],
    ['a function', () => 1, 'is a function, which JSON cannot hold'],
    ['a symbol', Symbol('x'), 'is a symbol, which JSON cannot hold'],
    ['toJSON() of nothing', { toJSON: () => undefined }, 'JSON cannot hold'],
    ['a BigInt', 1n, 'cannot be written as JSON (Do not know how to'],
    ['a nested BigInt', { a: [1n] }, 'no BigInt, no cycles'],
    ['a cycle', cyclic, '(Converting circular structure to JSON)'],
    ['toJSON() that throws', throwing(new Error('nope')), '(nope)'],
    ['toJSON() that throws text', throwing('nope'), '(nope)'],
  ])('refuses %s and says what to do', (_, payload, part) => {
    const error = refusal(payload);
    expect(error.code).toBe('KYU_INVALID_JOB');
    expect(error.message).toContain(part);
    expect(error.message).toMatch(
      /^The payload .*; pass .* Nothing was stored\.$/,
    );
  });

  it('keeps what JSON.stringify threw as the cause', () => {
    const cause = new Error('nope');
    expect(refusal(throwing(cause)).cause).toBe(cause);
    expect(refusal(undefined)).not.toHaveProperty('cause');
  });

  it('refuses what is nested too deep for JSON.stringify', () => {
    let deep: unknown[] = [];
    for (let i = 0; i < 200_000; i++) deep = [deep];
    expect(refusal(deep).message).toContain('Maximum call stack');
  });

  it.each([
    ['one byte a character', 'x', 1],
    ['two bytes', 'é', 2],
    ['three bytes', '€', 3],
    ['four bytes', '🦉', 4],
    ['six bytes for an escape', '\u0001', 6],
  ])('accepts 1 MiB and refuses more: %s', (_, character, size) => {
    const room = MAX_PAYLOAD_BYTES - 2; // the quotes
    const full =
      character.repeat(Math.floor(room / size)) + 'x'.repeat(room % size);
    expect(Buffer.byteLength(encodePayload(full))).toBe(MAX_PAYLOAD_BYTES);
    expect(refusal(`${full}x`).message).toBe(
      `The payload has ${MAX_PAYLOAD_BYTES + 1} bytes of JSON, the limit is ${MAX_PAYLOAD_BYTES}; ` +
        'store the data elsewhere and pass its key. Nothing was stored.',
    );
  });
});

describe('encodeResult', () => {
  it.each<[unknown, string | null]>([
    [undefined, null],
    [null, null],
    [false, 'false'],
    [0, '0'],
    ['', '""'],
    ['done', '"done"'],
    [{ sent: 3 }, '{"sent":3}'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
  ])('%p is kept as %p', (result, json) => {
    expect(encodeResult(result)).toEqual({ json });
  });

  it.each<[string, unknown, string]>([
    ['a function', () => 1, 'it is a function'],
    ['a symbol', Symbol('x'), 'it is a symbol'],
    ['a cycle', cyclic, 'circular'],
    ['a BigInt', 1n, 'BigInt'],
    ['toJSON() that throws', throwing(new Error('nope')), 'nope'],
    ['toJSON() that throws null', throwing(null), 'null'],
  ])('%s is dropped, with the reason, and throws nothing', (_, result, why) => {
    const { json, dropped } = encodeResult(result);
    expect(json).toBeNull();
    expect(dropped).toContain(why);
  });

  it('keeps 64 KiB and drops one byte more', () => {
    const full = 'x'.repeat(MAX_RESULT_BYTES - 2);
    expect(encodeResult(full)).toEqual({ json: `"${full}"` });
    expect(encodeResult(`${full}x`)).toEqual({
      json: null,
      dropped: `it has ${MAX_RESULT_BYTES + 1} bytes, the limit is ${MAX_RESULT_BYTES}`,
    });
  });
});

describe('toJSON() that throws what cannot become text', () => {
  const unprintable = throwing(Object.create(null));

  it('as a payload is an InvalidJobError', () => {
    expect(refusal(unprintable).message).toMatch(
      /^The payload cannot be written as JSON .* Nothing was stored\.$/,
    );
  });

  it('as a result is dropped: the work is done, so it must not fail the job', () => {
    const { json, dropped } = encodeResult(unprintable);
    expect(json).toBeNull();
    expect(dropped).not.toBe('');
  });
});
