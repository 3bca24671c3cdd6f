/** Redis did not answer in time. */
export class RedisSilentError extends Error {
  override readonly name = 'RedisSilentError';

  constructor(ms: number, what = 'no answer') {
    super(`${what} within ${ms} ms`);
  }
}

/** The time is counted in this many parts, and the event loop turns at least once in each. */
const PARTS = 5;

/**
 * What the command resolves to, or {@link RedisSilentError} when Redis has not answered in time.
 *
 * A timer of the whole time would blame Redis for a blocked event loop. After a block such a timer
 * runs first, and only then the socket is read, where the answer has been for long. So a block,
 * however long, counts as one part, and the socket is read once more before the command is given
 * up.
 *
 * @param silence what there was not, for the error.
 */
export function answerWithin<T>(
  ms: number,
  command: Promise<T>,
  silence?: string,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let left = PARTS;
    const partPassed = (): void => {
      left--;
      if (left > 0) timer = setTimeout(partPassed, ms / PARTS);
      else setImmediate(() => reject(new RedisSilentError(ms, silence)));
    };
    let timer = setTimeout(partPassed, ms / PARTS);
    command.finally(() => clearTimeout(timer)).then(resolve, reject);
  });
}
