import { LogTail } from './log-tail.js';

describe('LogTail', () => {
  it('keeps the last lines only', () => {
    const tail = new LogTail();
    for (let n = 1; n <= 30; n++) tail.add(`line ${n}\n`);
    const lines = tail.text.split('\n');
    expect(lines).toHaveLength(20);
    expect(lines.at(-1)).toBe('line 30');
  });

  it('puts lines together that come in pieces, and leaves out empty ones', () => {
    const tail = new LogTail();
    tail.add('FATAL: no ');
    tail.add('space\r\n\n   \nend');
    expect(tail.text).toBe('FATAL: no space\nend');
  });
});
