import { decodeContext, encodeContext } from './stored-context.js';

describe('the stored context', () => {
  it.each<[string, string | undefined, Record<string, string> | undefined]>([
    ['nothing', undefined, undefined],
    ['the application’s', '{"tenant":"acme"}', undefined],
    ['a trace', undefined, { traceparent: '00-1-2-01' }],
    ['both', '"text"', { traceparent: '00-1-2-01' }],
    ['null, which is something', 'null', undefined],
  ])('comes back as it went in: %s', (_, user, trace) => {
    const json = encodeContext(user, trace);
    expect(decodeContext(json ?? null)).toEqual({
      user: user === undefined ? undefined : JSON.parse(user),
      ...(trace && { trace }),
    });
  });

  it('is null in the table for nothing', () => {
    expect(encodeContext(undefined, undefined)).toBeUndefined();
  });

  it('keeps of a trace that is too large where it came from', () => {
    const json = encodeContext(undefined, {
      traceparent: '00-1-2-01',
      baggage: 'x'.repeat(5_000),
    });
    expect(decodeContext(json!)).toEqual({
      trace: { traceparent: '00-1-2-01' },
    });
  });

  it.each(['7', 'null', '"x"', '[1]', '{"trace":[]}', '{"trace":null}'])(
    'is nothing in a row that holds %s',
    (json) => {
      expect(decodeContext(json)).toEqual({});
    },
  );

  it('reads only text of a trace', () => {
    expect(
      decodeContext('{"trace":{"traceparent":7,"tracestate":"a=b"}}'),
    ).toEqual({ trace: { tracestate: 'a=b' } });
  });
});
