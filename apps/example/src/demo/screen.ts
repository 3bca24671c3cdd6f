import { stripVTControlCharacters, styleText } from 'node:util';

export interface Screen {
  columns: number;
  rows: number;
  color: boolean;
}

export type Style = Parameters<typeof styleText>[0];
/** A piece of a line, of which nothing but this text takes room on the screen. */
export type Piece = readonly [text: string, style?: Style];

/** An error's message may hold anything, also what would move the cursor. */
export const oneLine = (text: string): string =>
  stripVTControlCharacters(text).replace(/\s+/g, ' ');

/** Cut at the right edge, since a line that wraps would be two, and the next frame would start one too low. */
export function fit(
  pieces: readonly Piece[],
  { columns, color }: Screen,
): string {
  let room = columns - 1;
  let line = '';
  for (const [text, style] of pieces) {
    const visible = text.slice(0, Math.max(room, 0));
    room -= visible.length;
    line += color && style && visible ? styleText(style, visible) : visible;
  }
  return line;
}
