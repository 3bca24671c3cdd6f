import { inspect } from 'node:util';

/** Enough to recognise what was passed, whatever it was; an error message is not the place for megabytes. */
const MAX_SHOWN = 80;

/** A value for an error message: a string in quotes, anything else briefly. Never throws. */
export function showValue(value: unknown): string {
  try {
    const text =
      typeof value === 'string'
        ? JSON.stringify(value.slice(0, MAX_SHOWN + 1))
        : inspect(value, { depth: 0, breakLength: Infinity });
    return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  } catch {
    return 'a value that cannot be shown';
  }
}
