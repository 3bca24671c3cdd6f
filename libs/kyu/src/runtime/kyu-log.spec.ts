import { AsyncLocalStorage } from 'node:async_hooks';
import { jest } from '@jest/globals';
import { jobsOf, KyuLog } from './kyu-log.js';

function newLog(name?: string) {
  const lines: string[] = [];
  const say =
    (level: string) =>
    (message: unknown): void =>
      void lines.push(`${level}: ${String(message)}`);
  const logger = { log: say('log'), warn: say('warn'), error: say('error') };
  return { log: new KyuLog(logger, name), lines };
}

describe('KyuLog', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('writes one line, whatever is in it, at its level', () => {
    const { log, lines } = newLog();
    log.log('a');
    log.warn('b\nforged: \u001b[31mc\u2028d');
    log.error('x'.repeat(10_000));
    expect(lines.slice(0, 2)).toEqual(['log: a', 'warn: b forged:  [31mc d']);
    expect(lines[2]).toHaveLength('error: '.length + 2_000);
  });

  it('names a registration other than the default one', () => {
    const { log, lines } = newLog('billing');
    log.log('ready');
    expect(lines).toEqual(['log: [billing] ready']);
  });

  it('writes ten lines a minute about one subject, then the count of the others', () => {
    const { log, lines } = newLog();
    const fail = (times: number, type: string): void => {
      for (let i = 0; i < times; i++)
        log.limited('warn', jobsOf(type), 'failed runs', () => `${type} ${i}`);
    };
    fail(25, 'mail');
    fail(3, 'film');
    log.limited('error', jobsOf('mail'), 'deaths', () => 'a death');
    expect(lines).toHaveLength(13);
    jest.advanceTimersByTime(59_999);
    expect(lines).toHaveLength(13);
    jest.advanceTimersByTime(2);
    expect(lines.slice(13)).toEqual([
      'error: 16 more lines about jobs of type mail were left out, as 10 a minute are written: 15 failed runs, 1 deaths.',
    ]);
    fail(1, 'mail');
    jest.advanceTimersByTime(120_000);
    expect(lines).toHaveLength(15);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('tells at its end what was left out', () => {
    const { log, lines } = newLog();
    for (let i = 0; i < 11; i++)
      log.limited('warn', 'claims', 'failures', () => 'x');
    log.close();
    expect(lines).toHaveLength(11);
    expect(lines[10]).toContain('1 more lines about claims');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('writes outside of the context of its caller', () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const look = (): void => void seen.push(storage.getStore());
    const log = new KyuLog({ log: look, warn: look, error: look });
    storage.run('the request of a caller', () => log.warn('x'));
    expect(seen).toEqual([undefined]);
  });

  it('survives a logger that throws', () => {
    const fail = (): never => {
      throw new Error('disk full');
    };
    const log = new KyuLog({ log: fail, warn: fail, error: fail });
    expect(() => log.error('x')).not.toThrow();
  });
});
