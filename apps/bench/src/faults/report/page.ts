import { readFile, writeFile } from 'node:fs/promises';
import { CONTESTANTS, type Sourced } from '../contestants.js';
import { FAULT_NAMES, FAULTS } from '../faults.js';
import type { FaultsReport } from './report.js';
import { versionList } from './show.js';
import { summary, tableOf, type Table } from './tables.js';

const BEGIN = '<!-- results: written by npm run bench:faults -->';
const END = '<!-- end of results -->';

/** Writes the results between the markers of the page. What stands around them is written by people. */
export async function writePage(
  report: FaultsReport,
  file: string,
): Promise<void> {
  const text = await readFile(file, 'utf8');
  const from = text.indexOf(BEGIN);
  const to = text.indexOf(END);
  if (from === -1 || to < from)
    throw new Error(
      `${file} lacks its markers. Put ${BEGIN} and ${END} where the results belong.`,
    );
  const page = `${text.slice(0, from)}${BEGIN}\n\n${render(report)}\n\n${text.slice(to)}`;
  await writeFile(file, page);
}

function render(report: FaultsReport): string {
  const { cases, seed, startedAt, durationMs, machine, versions } = report;
  return [
    '### All faults together',
    markdown(summary(cases)),
    ...FAULT_NAMES.flatMap((fault) => [
      `### ${FAULTS[fault].title.replace(/^./, (letter) => letter.toUpperCase())}`,
      markdown(tableOf(fault, cases)),
    ]),
    '### Configuration, and who says so',
    markdown({
      head: ['', 'what was chosen', 'rescue of a dead worker’s jobs'],
      rows: CONTESTANTS.map(({ title, choices, rescue }) => [
        title,
        choices.map(sourced).join('; '),
        sourced(rescue),
      ]),
    }),
    `\`npm run bench:faults -- --seed ${seed}\`, ${startedAt.slice(0, 10)}, ${Math.round(durationMs / 1000)} s on ${machine}. ${versionList(versions)}.`,
  ].join('\n\n');
}

const sourced = ({ text, source }: Sourced): string =>
  `${text} ([source](${source}))`;

const markdown = ({ head, rows }: Table): string =>
  [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
