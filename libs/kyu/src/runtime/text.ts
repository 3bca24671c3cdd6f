/**
 * Text that PostgreSQL accepts: it refuses NUL in `text`, and lone surrogates are no UTF-8. An error message
 * of somebody else's library may hold both, and recording a failure must never fail itself.
 */
export const storableText = (text: string): string =>
  text.replaceAll('\0', '\uFFFD').toWellFormed();

const MARK = '… [cut]';
const MARK_BYTES = Buffer.byteLength(MARK);

/** `text`, cut to at most `maxBytes` of UTF-8 without splitting a character; a cut is marked. */
export function truncateBytes(text: string, maxBytes: number): string {
  // No character takes more than 3 bytes a UTF-16 unit, so short text needs no counting.
  if (text.length * 3 <= maxBytes) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  const mark = maxBytes < MARK_BYTES ? '' : MARK;
  let end = maxBytes - Buffer.byteLength(mark);
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--; // not inside a character
  return bytes.toString('utf8', 0, end) + mark;
}
