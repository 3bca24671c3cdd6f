import { types } from 'node:util';

/** A property of a value that may be hostile: undefined when reading it throws. */
export function read(value: unknown, key: string): unknown {
  try {
    return (value as Record<string, unknown> | null | undefined)?.[key];
  } catch {
    return undefined;
  }
}

/** Not `instanceof` alone: an error of another realm (a vm context, Jest's) is one too. */
export const isError = (value: unknown): value is Error =>
  types.isNativeError(value) || value instanceof Error;

/**
 * What an error says in its own words. Nothing but its message, its name and its code: other
 * properties may hold headers and passwords.
 */
export interface ErrorWords {
  /**
   * What it says that no other error says in its place: the text is not repeated where this was
   * said before.
   */
  core: string;
  text: string;
}

export function wordsOfError(error: Error): ErrorWords {
  const message = textual(read(error, 'message'));
  const details = httpDetails(error);
  // "Bad Request Exception" is the name of the class once more; what is wrong stands in the
  // response.
  if (details !== '' && !message.includes(details))
    return { core: details, text: `${message}: ${details}` };
  if (message !== '' && message !== 'Error')
    return { core: message, text: message };
  // Errors of sockets and of axios may have a code and no message.
  const name = textual(read(error, 'name')) || message || 'Error';
  const text = withCode(error, name);
  return { core: text, text };
}

/**
 * What stands behind an error may be anything; of an object that is no error, only what an error
 * has too.
 */
export function wordsOfCause(cause: unknown): ErrorWords {
  if (isError(cause)) {
    const { core, text } = wordsOfError(cause);
    const name = textual(read(cause, 'name'));
    const named =
      name === '' || name === 'Error' || text.startsWith(name)
        ? text
        : `${name}: ${text}`;
    return { core, text: withCode(cause, named) };
  }
  if (typeof cause !== 'object' || cause === null) {
    const text = String(cause);
    return { core: text, text };
  }
  const message = read(cause, 'message');
  const text = withCode(
    cause,
    typeof message === 'string' && message !== '' ? message : 'an object',
  );
  return { core: text, text };
}

const CODE = /^[A-Za-z0-9_]{2,64}$/;

function withCode(error: object, text: string): string {
  const code = read(error, 'code');
  return typeof code === 'string' && CODE.test(code) && !text.includes(code)
    ? `${text} (${code})`
    : text;
}

/**
 * What a Nest `HttpException` with a response object tells its client: the messages of a
 * ValidationPipe, for one.
 */
function httpDetails(error: Error): string {
  if (typeof read(error, 'getStatus') !== 'function') return '';
  const message = read(read(error, 'response'), 'message');
  const messages = Array.isArray(message) ? (message as unknown[]) : [message];
  return messages.slice(0, MAX_MESSAGES).flatMap(messagesOf).join('; ');
}

const MAX_MESSAGES = 20;

/**
 * A text, or a `ValidationError` of class-validator: what is wrong, without the values that were
 * refused.
 */
function messagesOf(message: unknown): string[] {
  if (typeof message === 'string') return [message];
  const constraints = read(message, 'constraints');
  const children = read(message, 'children');
  return [
    ...Object.values(Object(constraints) as object).filter(
      (text): text is string => typeof text === 'string',
    ),
    ...(Array.isArray(children) ? children : [])
      .slice(0, MAX_MESSAGES)
      .flatMap(messagesOf),
  ];
}

const textual = (value: unknown): string =>
  value === undefined ? '' : String(value as string);
