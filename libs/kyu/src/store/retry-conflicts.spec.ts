import { TransactionConflictError } from '../errors/kyu.errors.js';
import { retryConflicts } from './retry-conflicts.js';

const failure = (code: string): Error =>
  Object.assign(new Error(`SQLSTATE ${code}`), { code });

describe('retryConflicts', () => {
  it.each(['40001', '40P01'])('tries again after %s', async (code) => {
    let tries = 0;
    const work = (): Promise<string> =>
      ++tries < 3 ? Promise.reject(failure(code)) : Promise.resolve('done');
    await expect(retryConflicts(failure(code), work)).resolves.toBe('done');
    expect(tries).toBe(3);
  });

  it('throws another error as it is, without a try', async () => {
    const error = failure('23505');
    const work = (): Promise<void> => Promise.reject(new Error('called'));
    await expect(retryConflicts(error, work)).rejects.toBe(error);
  });

  it('throws another error of a later try as it is', async () => {
    const error = failure('23505');
    const work = (): Promise<void> => Promise.reject(error);
    await expect(retryConflicts(failure('40001'), work)).rejects.toBe(error);
  });

  it('ends, with an error that says what was tried', async () => {
    let tries = 1;
    const last = failure('40001');
    const work = (): Promise<void> => {
      tries++;
      return Promise.reject(last);
    };
    const error: unknown = await retryConflicts(failure('40001'), work).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(TransactionConflictError);
    expect(error).toMatchObject({
      code: 'KYU_TRANSACTION_CONFLICT',
      message: expect.stringContaining('tried several times'),
      cause: last,
    });
    expect(tries).toBe(10);
  });
});
