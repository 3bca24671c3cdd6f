import { inspect } from 'node:util';
import { errorChain } from './error-chain.js';
import { isError, wordsOfError } from './error-text.js';
import { storableText, truncateBytes } from './text.js';

/** An error text above this is no message any more but a dump; it would bloat every row that fails. */
export const MAX_ERROR_BYTES = 8 * 1024;
/** Room for about 100 frames. */
export const MAX_STACK_BYTES = 16 * 1024;

export interface ErrorText {
  message: string;
  stack?: string;
}

/**
 * What a handler threw, as text that can always be stored: JavaScript may throw anything (`null`, a
 * string, an object whose getters throw, a revoked Proxy), and the failure of a job must be
 * recordable whatever it was. With an error comes what stands behind it: its causes, the errors of
 * an `AggregateError`, the messages of a Nest `HttpException`. Its other properties are left out:
 * they may hold headers and passwords.
 */
export function describeError(thrown: unknown): ErrorText {
  try {
    if (isError(thrown)) {
      const { text } = wordsOfError(thrown);
      const chain = errorChain(thrown, text);
      const lines = chain.map(({ line }) => line).filter((line) => line !== '');
      const stacks = chain.flatMap(({ stack }) => stack ?? []);
      return {
        message: joined([text, ...lines], MAX_ERROR_BYTES),
        ...(typeof thrown.stack === 'string' && {
          stack: joined([thrown.stack, ...stacks], MAX_STACK_BYTES),
        }),
      };
    }
    const text =
      typeof thrown === 'string'
        ? thrown
        : inspect(thrown, { depth: 2, breakLength: Infinity });
    return {
      message: bounded(`The handler threw ${text}`, MAX_ERROR_BYTES),
    };
  } catch {
    return { message: 'The handler threw a value that cannot be shown.' };
  }
}

/** The message alone, of anything that was thrown. */
export const messageOf = (thrown: unknown): string =>
  describeError(thrown).message.replace(/^The handler threw /, '');

/** What comes first may not take the room of all that stands behind it. */
const joined = ([first, ...others]: string[], maxBytes: number): string =>
  others.length === 0
    ? bounded(first!, maxBytes)
    : bounded([bounded(first!, maxBytes / 2), ...others].join('\n'), maxBytes);

/** Cut first: to make megabytes storable takes seconds. One unit more than fits, so that the cut is marked. */
const bounded = (text: string, maxBytes: number): string =>
  truncateBytes(storableText(text.slice(0, maxBytes + 1)), maxBytes);
