import { storableText, truncateBytes } from './text.js';

const MARK = '… [cut]';
const MARK_BYTES = 9;
const bytesOf = (text: string): number => Buffer.byteLength(text);

describe('storableText', () => {
  it.each([
    ['plain', 'plain'],
    ['', ''],
    ['emoji 🦉 stays', 'emoji 🦉 stays'],
    [
      '\t\n\u0001 control characters stay',
      '\t\n\u0001 control characters stay',
    ],
    ['a\0b\0', 'a\uFFFDb\uFFFD'],
    ['\ud800', '\uFFFD'],
    ['a\udc00b', 'a\uFFFDb'],
    ['\udc00\ud800', '\uFFFD\uFFFD'],
    ['\ud800\ud83e\udd89', '\uFFFD🦉'],
  ])('%j becomes %j', (text, expected) => {
    expect(storableText(text)).toBe(expected);
  });
});

describe('truncateBytes', () => {
  it.each(['a', 'é', '€', '🦉'])(
    'leaves alone what fits to the byte, and cuts one byte more (%s)',
    (character) => {
      const text = character.repeat(100);
      const limit = bytesOf(text);
      expect(truncateBytes(text, limit)).toBe(text);
      const cut = truncateBytes(text, limit - 1);
      expect(cut).not.toBe(text);
      expect(cut.endsWith(MARK)).toBe(true);
    },
  );

  it('never exceeds the limit and never splits a character, at any limit', () => {
    const text = 'aé€🦉'.repeat(20); // 1, 2, 3 and 4 bytes
    for (let limit = MARK_BYTES; limit <= bytesOf(text) + 1; limit++) {
      const cut = truncateBytes(text, limit);
      expect(bytesOf(cut)).toBeLessThanOrEqual(limit);
      expect(cut).not.toContain('\uFFFD');
      if (cut === text) continue;
      const kept = cut.slice(0, -MARK.length);
      expect(cut).toBe(kept + MARK);
      expect(text.startsWith(kept)).toBe(true);
    }
  });

  it('wastes no room: the next character would not have fitted', () => {
    const text = 'aé€🦉'.repeat(20);
    for (let limit = MARK_BYTES; limit < bytesOf(text); limit++) {
      const kept = truncateBytes(text, limit).slice(0, -MARK.length);
      const next = String.fromCodePoint(text.codePointAt(kept.length)!);
      expect(bytesOf(kept + next) + MARK_BYTES).toBeGreaterThan(limit);
    }
  });

  it('keeps the beginning', () => {
    expect(truncateBytes('x'.repeat(100), 20)).toBe('x'.repeat(11) + MARK);
  });

  it('leaves an empty text empty', () => {
    expect(truncateBytes('', 0)).toBe('');
  });

  it('cuts 10 MB quickly', () => {
    const start = performance.now();
    const cut = truncateBytes('€'.repeat(3_500_000), 8_192);
    expect(bytesOf(cut)).toBeLessThanOrEqual(8_192);
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  it.each([0, 1, MARK_BYTES - 1])(
    'keeps a limit that is smaller than the mark of a cut (%d)',
    (limit) => {
      const cut = truncateBytes('a longer text', limit);
      expect(cut).toBe('a longer text'.slice(0, limit));
    },
  );
});
