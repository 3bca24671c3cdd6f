import { isError, read, wordsOfCause } from './error-text.js';

/** An error that stands behind another one. */
export interface ErrorLink {
  /** `Caused by: connect ECONNREFUSED 127.0.0.1:6379` */
  line: string;
  stack?: string;
}

/** A row is no place for a tree of errors: the first ones of it say what happened. */
const MAX_LINKS = 10;
const MAX_LINE = 1024;
/** A shorter text may stand in another one by accident, and costs nothing to repeat. */
const MIN_REPEATED = 8;

/**
 * What stands behind an error: its `cause`, the `errors` of an `AggregateError`, and so on, the
 * nearest first. What an error repeats of those before it is left out. Cycles end, and what throws
 * when it is read is passed over.
 *
 * @param said what the error itself says.
 */
export function errorChain(error: unknown, said: string): ErrorLink[] {
  const links: ErrorLink[] = [];
  const seen = new Set<unknown>([error]);
  let known = said;
  const visit = (label: string, cause: unknown): void => {
    if (links.length >= MAX_LINKS || seen.has(cause)) return;
    if (typeof cause === 'object') seen.add(cause);
    const { core, text } = wordsOfCause(cause);
    const stack = isError(cause) ? read(cause, 'stack') : undefined;
    const short = text.slice(0, MAX_LINE);
    const repeated =
      said.endsWith(`: ${core}`) ||
      (core.length >= MIN_REPEATED && known.includes(core.slice(0, MAX_LINE)));
    links.push({
      line: repeated ? '' : label + short,
      ...(typeof stack === 'string' && { stack: label + stack }),
    });
    known += `\n${short}`;
    visitBehind(cause);
  };
  const visitBehind = (each: unknown): void => {
    try {
      for (const [label, cause] of behind(each)) visit(label, cause);
    } catch {
      // A revoked Proxy, for one: what was found before it is kept.
    }
  };
  visitBehind(error);
  return links;
}

/** The errors right behind this one, with the words that lead to them. */
function behind(error: unknown): [label: string, cause: unknown][] {
  const cause = read(error, 'cause');
  const errors = read(error, 'errors');
  const list = Array.isArray(errors) ? (errors as unknown[]) : [];
  const first = list.slice(0, MAX_LINKS);
  return [
    // A `cause()` is the method of an older library, and its message is in the error's.
    ...(cause === undefined || cause === null || typeof cause === 'function'
      ? []
      : [['Caused by: ', cause] as [string, unknown]]),
    ...first.map((each, index): [string, unknown] => [
      `Error ${index + 1} of ${list.length}: `,
      each,
    ]),
    ...suppressed(error),
  ];
}

/** Of a `SuppressedError`, which `using` throws when the block and its disposal both failed. */
const suppressed = (error: unknown): [string, unknown][] =>
  read(error, 'name') === 'SuppressedError'
    ? [
        ['Caused by: ', read(error, 'error')],
        ['Suppressed: ', read(error, 'suppressed')],
      ]
    : [];

const LINK = /^(?:Caused by|Suppressed|Error \d+ of \d+): /;

/** An error's text in one line: its first one, and what stands behind it. */
export const inOneLine = (message: string): string =>
  message
    .split(/[\r\n]+/)
    .filter((line, index) => index === 0 || LINK.test(line))
    .join('; ');
