import type { PayloadIssue } from '../errors/kyu.errors.js';

/** What a schema makes of a value, or what it has against it. */
export type SchemaVerdict =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly PayloadIssue[] };

/** `items[0].sku` */
export const joinPath = (keys: readonly PropertyKey[]): string =>
  keys.reduce<string>((path, key) => {
    if (/^\d+$/.test(String(key))) return `${path}[${String(key)}]`;
    return path === '' ? String(key) : `${path}.${String(key)}`;
  }, '');

/** A schema may have something against every element of a long list; a message is no place for all of it. */
const MAX_SHOWN = 10;

/** `to: must be an email; items[0].sku: is missing` */
export function describeIssues(issues: readonly PayloadIssue[]): string {
  const shown = issues
    .slice(0, MAX_SHOWN)
    .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
    .join('; ');
  const more = issues.length - MAX_SHOWN;
  return more > 0 ? `${shown}; and ${more} more` : shown;
}
