import { inspect, types } from 'node:util';
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
 * What a handler threw, as text that can always be stored: JavaScript may throw anything (`null`, a string, an object whose
 * getters throw, a revoked Proxy), and the failure of a job must be recordable whatever it was.
 */
export function describeError(thrown: unknown): ErrorText {
  try {
    // Not `instanceof`: an error of another realm (a vm context, Jest's) is one too.
    if (types.isNativeError(thrown) || thrown instanceof Error) {
      const message = String(thrown.message) || thrown.name || 'Error';
      return {
        message: bounded(message, MAX_ERROR_BYTES),
        ...(typeof thrown.stack === 'string' && {
          stack: bounded(thrown.stack, MAX_STACK_BYTES),
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

/** Cut first: to make megabytes storable takes seconds. One unit more than fits, so that the cut is marked. */
const bounded = (text: string, maxBytes: number): string =>
  truncateBytes(storableText(text.slice(0, maxBytes + 1)), maxBytes);
