import { drawBars, escape, toBar, type BarLayout } from './bars.js';
import type { Report } from './results.js';
import { measure } from '../scenarios/scenarios.js';

/** What the README shows: the five that most people ask about. */
const SHOWN = [
  'process',
  'enqueue',
  'bulk',
  'latency-p50',
  'latency-apart-p50',
];

const LAYOUT: BarLayout = { width: 720, labelWidth: 140, rowHeight: 26 };
const TITLE_HEIGHT = 30;
const GAP = 18;

/** An SVG file that follows the reader's light or dark as an image on its own can. */
export function picture({ results }: Report): string {
  let top = 4;
  const charts = SHOWN.flatMap((id) => {
    const rows = results.filter(({ scenario }) => scenario === id);
    if (rows.length === 0) return [];
    const { title, unit, better } = measure(id);
    const head = `<text class="title" x="0" y="${top + 18}">${escape(title)} <tspan class="dim">(${better} is better)</tspan></text>`;
    const bars = drawBars(rows.map(toBar), unit, LAYOUT, top + TITLE_HEIGHT);
    top += TITLE_HEIGHT + rows.length * LAYOUT.rowHeight + GAP;
    return [`${head}\n${bars}`];
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 0 ${LAYOUT.width + 16} ${top}" role="img" aria-label="Kyu beside its peers">
<style>
text { fill: #1f2328; font: 13px system-ui, sans-serif; } .title { font-weight: 600; } .dim { fill: #656d76; font-weight: 400; }
.kyu { fill: #0969da; } .peer { fill: #9aa4b0; } .floor { fill: #d0b98c; } .range { stroke: #1f2328; stroke-width: 1.5; opacity: .55; }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .dim { fill: #8d96a0; } .kyu { fill: #4493f8; } .peer { fill: #6e7681; } .floor { fill: #8a7648; } .range { stroke: #e6edf3; } }
</style>
${charts.join('\n')}
</svg>
`;
}
