import type { Result } from './results.js';
import { number } from './words.js';

/** What a bar chart has: a bar for each row, to scale, and the range of the rounds on it. */
export interface Bar {
  label: string;
  kind: 'kyu' | 'peer' | 'floor';
  value: number;
  min: number;
  max: number;
}

export const toBar = ({ contestant, median, min, max }: Result): Bar => ({
  label: contestant,
  kind: contestant === 'kyu' || contestant === 'floor' ? contestant : 'peer',
  value: median,
  min,
  max,
});

export interface BarLayout {
  width: number;
  labelWidth: number;
  rowHeight: number;
}

/** The insides of an SVG, from `top` down. Colours are the classes kyu, peer, floor, range and dim of whoever shows it. */
export function drawBars(
  bars: readonly Bar[],
  unit: string,
  { width, labelWidth, rowHeight }: BarLayout,
  top = 0,
): string {
  const valueWidth = 110;
  const room = width - labelWidth - valueWidth;
  const most = Math.max(...bars.map(({ max }) => max), Number.MIN_VALUE);
  const x = (value: number): number =>
    round(labelWidth + (Math.max(0, value) / most) * room);
  return bars
    .map(({ label, kind, value, min, max }, row) => {
      const y = top + row * rowHeight;
      const middle = y + rowHeight / 2;
      const bar = rowHeight - 10;
      const range =
        max > min
          ? `<line class="range" x1="${x(min)}" x2="${x(max)}" y1="${middle}" y2="${middle}"/>`
          : '';
      return (
        `<text x="0" y="${middle + 4}">${escape(label)}</text>` +
        `<rect class="${kind}" x="${labelWidth}" y="${y + 5}" width="${Math.max(1, round(x(value) - labelWidth))}" height="${bar}" rx="3"/>${range}` +
        `<text x="${x(Math.max(value, max)) + 8}" y="${middle + 4}">${number(value)} <tspan class="dim">${escape(unit)}</tspan></text>`
      );
    })
    .join('\n');
}

const round = (value: number): number => Math.round(value * 10) / 10;

export const escape = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
