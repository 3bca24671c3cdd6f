import { answerWithin, RedisSilentError } from './answer-within.js';

const block = (ms: number): void => {
  const until = performance.now() + ms;
  while (performance.now() < until);
};

const never = (): Promise<never> => new Promise(() => undefined);

describe('answerWithin', () => {
  it('is what the command resolves or rejects to', async () => {
    expect(await answerWithin(50, Promise.resolve('PONG'))).toBe('PONG');
    const refused = Promise.reject(new Error('OOM'));
    await expect(answerWithin(50, refused)).rejects.toThrow('OOM');
  });

  it('rejects when there is no answer', async () => {
    await expect(answerWithin(20, never())).rejects.toThrow(
      new RedisSilentError(20),
    );
  });

  it('rejects also when each turn of the event loop is blocked', async () => {
    const blocks = setInterval(() => block(10), 1);
    try {
      await expect(answerWithin(20, never())).rejects.toThrow(RedisSilentError);
    } finally {
      clearInterval(blocks);
    }
  });

  it('hears an answer that came while the event loop was blocked for longer than that', async () => {
    // It is read when the loop looks at its sockets, which is after its timers.
    const answer = new Promise((resolve) => {
      setImmediate(() => setImmediate(() => resolve('late')));
    });
    const heard = answerWithin(20, answer);
    block(100);
    expect(await heard).toBe('late');
  });
});
