import { runInNewContext } from 'node:vm';
import { BadRequestException, HttpException } from '@nestjs/common';
import { describeError, MAX_ERROR_BYTES } from './describe-error.js';
import { inOneLine } from './error-chain.js';

const refused = (port: number): Error =>
  Object.assign(new Error(`connect ECONNREFUSED 127.0.0.1:${port}`), {
    code: 'ECONNREFUSED',
  });

/** What an HTTP client has on its errors, and nobody may read in a log. */
const SECRETS = {
  config: { headers: { authorization: 'Bearer s3cret' } },
  request: { password: 's3cret' },
  response: { data: 's3cret' },
};

const linesOf = (error: unknown): string[] =>
  describeError(error).message.split('\n');

describe('the chain of an error', () => {
  it('has its causes, down to the first', () => {
    const low = new TypeError('no route');
    const middle = new Error('fetch failed', { cause: low });
    expect(linesOf(new Error('sync failed', { cause: middle }))).toEqual([
      'sync failed',
      'Caused by: fetch failed',
      'Caused by: TypeError: no route',
    ]);
  });

  it('has the errors of an AggregateError, and their number', () => {
    const error = new AggregateError(
      [refused(1), 'no', null, new Error('c', { cause: refused(2) })],
      'All promises were rejected',
    );
    expect(linesOf(error)).toEqual([
      'All promises were rejected',
      'Error 1 of 4: connect ECONNREFUSED 127.0.0.1:1',
      'Error 2 of 4: no',
      'Error 3 of 4: null',
      'Error 4 of 4: c',
      'Caused by: connect ECONNREFUSED 127.0.0.1:2',
    ]);
  });

  it('has a code in place of a message that says nothing', () => {
    const sockets = Object.assign(
      new AggregateError([refused(1), refused(2)], ''),
      { code: 'ECONNREFUSED' },
    );
    expect(linesOf(sockets)[0]).toBe('AggregateError (ECONNREFUSED)');
    const axios = Object.assign(new Error('Error', { cause: sockets }), {
      name: 'AxiosError',
      ...SECRETS,
    });
    expect(linesOf(axios)).toEqual([
      'AxiosError',
      'Caused by: AggregateError (ECONNREFUSED)',
      'Error 1 of 2: connect ECONNREFUSED 127.0.0.1:1',
      'Error 2 of 2: connect ECONNREFUSED 127.0.0.1:2',
    ]);
  });

  it('has the code of a cause that does not say it', () => {
    const cause = Object.assign(new Error('duplicate key'), { code: '23505' });
    expect(linesOf(new Error('not saved', { cause }))[1]).toBe(
      'Caused by: duplicate key (23505)',
    );
  });

  it('has what a Nest exception tells its client', () => {
    const messages = ['to must be an email', 'age must be a number'];
    expect(linesOf(new BadRequestException(messages))).toEqual([
      `Bad Request Exception: ${messages.join('; ')}`,
    ]);
    expect(linesOf(new HttpException({ message: 'gone' }, 410))).toEqual([
      'gone',
    ]);
    expect(linesOf(new HttpException({ data: 's3cret' }, 410))).toEqual([
      'Http Exception',
    ]);
  });

  it('has what class-validator found, without the values', () => {
    const found = [
      {
        property: 'card',
        value: 's3cret',
        target: { card: 's3cret' },
        constraints: { isCard: 'card must be a number of a card' },
        children: [
          { value: 's3cret', constraints: { isInt: 'cvc must be an integer' } },
        ],
      },
    ];
    expect(linesOf(new BadRequestException(found))).toEqual([
      'Bad Request Exception: card must be a number of a card; cvc must be an integer',
    ]);
  });

  it('shows no property but message, name and code', () => {
    const cause = Object.assign(new Error('hang up'), SECRETS);
    const error = Object.assign(new Error('failed', { cause }), SECRETS);
    const plain = new Error('failed', {
      cause: { ...SECRETS, code: 'E_TEAPOT' },
    });
    expect(JSON.stringify(describeError(error))).not.toContain('s3cret');
    expect(describeError(plain).message).toBe(
      'failed\nCaused by: an object (E_TEAPOT)',
    );
  });

  it('does not repeat what was said', () => {
    const cause = new Error('no such user');
    const error = new Error('Cannot send: no such user', { cause });
    expect(linesOf(error)).toEqual(['Cannot send: no such user']);
    expect(describeError(error).stack).toContain('Caused by: Error: no such');
  });

  it('ends at a cycle, and after ten', () => {
    const error = new Error('a') as Error & { errors: unknown[] };
    error.cause = new Error('b', { cause: error });
    error.errors = [error, error.cause];
    expect(linesOf(error)).toEqual(['a', 'Caused by: b']);
    const many = Array.from({ length: 50 }, (_, i) => new Error(`number ${i}`));
    expect(linesOf(new AggregateError(many, 'many'))).toHaveLength(11);
  });

  it('passes over what cannot be read', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const throwing = Object.defineProperty(new Error('as usual'), 'cause', {
      get: () => {
        throw new Error('from a getter');
      },
    });
    expect(describeError(throwing).message).toBe('as usual');
    expect(
      describeError(new Error('as usual', { cause: proxy })).message,
    ).toMatch(/^as usual/);
    expect(
      describeError(new AggregateError([proxy, new Error('b')], 'a')).message,
    ).toMatch(/^a/);
  });

  it('knows errors of another realm', () => {
    const error: unknown = runInNewContext(
      `new Error('outer', { cause: new TypeError('inner') })`,
    );
    expect(linesOf(error)).toEqual(['outer', 'Caused by: TypeError: inner']);
  });

  it('leaves room for the causes of an endless message, and fits', () => {
    const error = new Error('🦉'.repeat(10_000), { cause: refused(1) });
    const { message, stack } = describeError(error);
    expect(message).toContain('Caused by: connect ECONNREFUSED');
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(MAX_ERROR_BYTES);
    expect(stack).toContain('Caused by: Error: connect ECONNREFUSED');
    expect(Buffer.byteLength(stack!)).toBeLessThanOrEqual(16 * 1024);
  });

  it('is one line for a log', () => {
    const error = new Error('first\n  at line 7', { cause: new Error('b\nc') });
    expect(inOneLine(describeError(error).message)).toBe('first; Caused by: b');
  });
});
