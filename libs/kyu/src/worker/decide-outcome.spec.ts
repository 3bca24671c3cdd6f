import { UnrecoverableJobError } from '../errors/run.errors.js';
import { backoffMs } from '../job/backoff.js';
import { decideFailure } from './decide-outcome.js';

const backoff = { baseMs: 1_000, capMs: 60_000, jitter: false };
const decide = (retryCount: number, maxRetries: number, thrown: unknown) =>
  decideFailure({ retryCount, maxRetries }, thrown, (attempt) =>
    backoffMs(attempt, backoff),
  );

describe('decideFailure', () => {
  it.each([
    [0, 3, 1_000],
    [1, 3, 2_000],
    [2, 3, 4_000],
    [33, 34, 60_000],
    [0, 1, 1_000],
  ])(
    'after %d of %d retries there is another one, in %d ms',
    (retryCount, maxRetries, retryInMs) => {
      expect(decide(retryCount, maxRetries, new Error('no'))).toMatchObject({
        status: 'failed',
        retryInMs,
        error: 'no',
      });
    },
  );

  it.each([
    [0, 0],
    [3, 3],
    [4, 3], // somebody lowered max_retries by hand
  ])('after %d of %d retries the job is dead', (retryCount, maxRetries) => {
    const outcome = decide(retryCount, maxRetries, new Error('no'));
    expect(outcome).toMatchObject({ status: 'dead', error: 'no' });
    expect(outcome).not.toHaveProperty('retryInMs');
  });

  it('an UnrecoverableJobError is the end, whatever retries are left', () => {
    class NoSuchUser extends UnrecoverableJobError {}
    for (const error of [
      new UnrecoverableJobError('gone'),
      new NoSuchUser('gone'),
    ])
      expect(decide(0, 100, error)).toMatchObject({
        status: 'dead',
        error: 'gone',
        stack: error.stack,
      });
  });

  it('an error that only looks like one is a failure like any other', () => {
    const thrown = { name: 'UnrecoverableJobError', message: 'gone' };
    expect(decide(0, 1, thrown).status).toBe('failed');
    expect(
      decide(0, 1, new Error('x', { cause: new UnrecoverableJobError('y') }))
        .status,
    ).toBe('failed');
  });

  it('asks for the wait with the attempt that failed and what it threw', () => {
    const asked: unknown[] = [];
    const thrown = new Error('no');
    const outcome = decideFailure(
      { retryCount: 2, maxRetries: 3 },
      thrown,
      (...args) => asked.push(...args),
    );
    expect(outcome).toMatchObject({ status: 'failed', retryInMs: 2 });
    expect(asked).toEqual([3, thrown]);
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['undefined', undefined],
    ['text', 'no'],
    ['an object', { no: 1 }],
    ['a symbol', Symbol('no')],
    ['NUL and half a character', new Error('\0\ud800')],
    ['10 MB', new Error('x'.repeat(10_000_000))],
  ])('can store that %s was thrown', (_, thrown) => {
    const { error } = decide(0, 1, thrown);
    expect(error).not.toBe('');
    expect(error).not.toContain('\0');
    expect(error.isWellFormed()).toBe(true);
    expect(Buffer.byteLength(error)).toBeLessThanOrEqual(8_192);
  });

  it('has no stack where there is none', () => {
    expect(decide(0, 0, 'text')).not.toHaveProperty('stack');
  });
});

describe('a thrown Proxy is a failure like any other', () => {
  it('revoked', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(decide(0, 1, proxy)).toMatchObject({
      status: 'failed',
      error: 'The handler threw a value that cannot be shown.',
    });
    expect(decide(1, 1, proxy).status).toBe('dead');
  });

  it('with a trap that throws', () => {
    const trap = new Proxy(new Error('x'), {
      getPrototypeOf() {
        throw new Error('from the trap');
      },
    });
    expect(decide(0, 1, trap).status).toBe('failed');
  });
});
