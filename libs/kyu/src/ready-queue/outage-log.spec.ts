import { jest } from '@jest/globals';
import { RedisSilentError } from './answer-within.js';
import { OutageLog } from './outage-log.js';

describe('OutageLog', () => {
  const lines: string[] = [];
  const log = new OutageLog({
    away: ({ message }) => lines.push(message),
    back: () => lines.push('back'),
  });
  beforeEach(() => {
    jest.useFakeTimers();
    lines.length = 0;
  });
  afterEach(() => jest.useRealTimers());

  it('says at once what Redis has said, and when it is over', () => {
    log.begin(new Error('OOM'));
    log.end();
    expect(lines).toEqual(['OOM', 'back']);
  });

  it('says nothing of a silence that is soon over', () => {
    log.begin(new RedisSilentError(250));
    jest.advanceTimersByTime(900);
    log.end();
    jest.advanceTimersByTime(10_000);
    expect(lines).toEqual([]);
  });

  it('says that a silence lasts, and when it is over', () => {
    log.begin(new RedisSilentError(250));
    jest.advanceTimersByTime(1_000);
    log.end();
    log.end();
    expect(lines).toEqual(['no answer within 250 ms', 'back']);
  });

  it('says nothing once it is closed', () => {
    log.begin(new RedisSilentError(250));
    log.close();
    jest.advanceTimersByTime(10_000);
    expect(lines).toEqual([]);
  });
});
