import { runInNewContext } from 'node:vm';
import { showValue } from './show-value.js';

class Secret {
  password = 's3cret';
}

describe('showValue', () => {
  it.each<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    [true, 'true'],
    [0, '0'],
    [-0, '-0'],
    [1.5, '1.5'],
    [Number.NaN, 'NaN'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
    [1n, '1n'],
    [Symbol('five'), 'Symbol(five)'],
    ['', '""'],
    ['5', '"5"'],
    ['5 " \\ 🦉', '"5 \\" \\\\ 🦉"'],
    ['\0\n\u001b[31m\ud800', '"\\u0000\\n\\u001b[31m\\ud800"'],
    [{}, '{}'],
    [{ a: 1 }, '{ a: 1 }'],
    [[], '[]'],
    [[1, 'x'], "[ 1, 'x' ]"],
    [Object.create(null), '[Object: null prototype] {}'],
    [new Date(5), '1970-01-01T00:00:00.005Z'],
    [new Date(Number.NaN), 'Invalid Date'],
    [/x/g, '/x/g'],
    [() => 1, '[Function (anonymous)]'],
    [Secret, '[class Secret]'],
    [runInNewContext('({ a: 1 })'), '{ a: 1 }'],
  ])('%p is shown as %s', (value, shown) => {
    expect(showValue(value)).toBe(shown);
  });

  it('tells a number from the text of it', () => {
    expect(showValue(5)).not.toBe(showValue('5'));
  });

  it('shows one level: what is deeper may be large, or nobody’s business', () => {
    expect(showValue({ a: { b: 1 }, c: [new Secret()] })).toBe(
      '{ a: [Object], c: [Array] }',
    );
    expect(showValue([new Secret()])).toBe('[ [Secret] ]');
  });

  it('goes in no circles', () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    expect(showValue(circle)).toContain('[Circular *1]');
  });

  it('shows 80 characters, the quotes among them, and marks the cut', () => {
    const fits = 'x'.repeat(78);
    expect(showValue(fits)).toBe(`"${fits}"`);
    expect(showValue(`${fits}x`)).toBe(`"${fits}x…`);
    expect(showValue('x'.repeat(81))).toBe(`"${'x'.repeat(79)}…`);
  });

  it.each<[string, unknown]>([
    ['text of 100 MB', 'x'.repeat(100_000_000)],
    ['a BigInt of many digits', 10n ** 500n],
    ['many keys', Object.fromEntries([...Array(1_000).keys()].entries())],
    ['a long array', Array.from({ length: 100_000 }, () => 'value')],
    ['long text in an object', { text: 'x'.repeat(100_000) }],
    ['what is all escapes', '\0'.repeat(100_000)],
  ])('is short and quick for %s', (_, value) => {
    const start = performance.now();
    const shown = showValue(value);
    expect(shown).toHaveLength(81);
    expect(shown.endsWith('…')).toBe(true);
    expect(performance.now() - start).toBeLessThan(100);
  });

  it('is one line, also for an object', () => {
    const wide = Object.fromEntries(
      ['first', 'second', 'third'].map((key) => [key, 'x'.repeat(20)]),
    );
    expect(showValue(wide)).not.toContain('\n');
  });

  it('calls no getters', () => {
    const touched = {
      get secret(): string {
        throw new Error('from a getter');
      },
    };
    expect(showValue(touched)).toBe('{ secret: [Getter] }');
  });

  const explode = (): never => {
    throw new Error('from the value');
  };
  it('never throws: a revoked Proxy', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(() => showValue(proxy)).not.toThrow();
  });

  it.each<[string, unknown, string]>([
    [
      'an inspector that throws',
      { [Symbol.for('nodejs.util.inspect.custom')]: explode },
      'a value that cannot be shown',
    ],
    [
      'a Proxy whose traps throw: they are not asked',
      new Proxy({ a: 1 }, { get: explode, ownKeys: explode }),
      '{ a: 1 }',
    ],
  ])('never throws: %s', (_, value, shown) => {
    expect(showValue(value)).toBe(shown);
  });
});
