import { jest } from '@jest/globals';
import { OpenCalls } from './open-calls.js';

describe('OpenCalls', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('waits 30 s in all for a call that hangs, however often it is asked', async () => {
    const calls = new OpenCalls();
    calls.enter();
    const ends: string[] = [];
    void calls.ended().then(() => ends.push('ended'));
    await jest.advanceTimersByTimeAsync(29_000);
    void calls.close().then(() => ends.push('closed'));
    await jest.advanceTimersByTimeAsync(999);
    expect(ends).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(ends.sort()).toEqual(['closed', 'ended']);
    expect(() => calls.enter()).toThrow(
      expect.objectContaining({ code: 'KYU_QUEUE_CLOSED' }),
    );
  });

  it('waits no longer than the calls take', async () => {
    const calls = new OpenCalls();
    calls.enter();
    const closed = calls.close();
    calls.leave();
    await expect(closed).resolves.toBeUndefined();
  });
});
