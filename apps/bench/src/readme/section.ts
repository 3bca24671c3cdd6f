import type { Environment } from '../report/environment.js';
import { CONTESTANTS } from '../contestants/names.js';
import { find, type Report, type Result } from '../report/results.js';
import { judge, type Verdict } from '../report/targets.js';
import { goal, number, reached } from '../report/words.js';
import { measure } from '../scenarios/scenarios.js';

const BEGIN =
  '<!-- bench:begin, made by `npm run bench:readme`: do not edit -->';
const END = '<!-- bench:end -->';

/** Where the committed numbers and their picture are, seen from the root of the repository. */
export const RESULTS = 'apps/bench/docs/results.json';
export const PICTURE = 'apps/bench/docs/performance.svg';

/** The README with its performance section made anew. @throws when the markers are not there. */
export function withSection(readme: string, report: Report): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin === -1 || end < begin)
    throw new Error(
      `The README has no place for the numbers. Put these two lines there:\n${BEGIN}\n${END}`,
    );
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${section(report)}\n\n${readme.slice(end)}`;
}

/** What most people ask about. */
const SHOWN = [
  'process',
  'enqueue',
  'bulk',
  'latency-p50',
  'latency-p99',
  'latency-apart-p50',
  'latency-apart-p99',
];

/** Markdown: the picture, its numbers, the targets and how they were reached, and where that was. */
function section({ environment, results }: Report): string {
  return [
    `![Jobs a second and latency of Kyu and its peers](${PICTURE})`,
    numbers(results),
    'Held against what Kyu aims for:',
    [
      '| | goal | here | |',
      '|---|---|---|---|',
      ...judge(results).map(row),
    ].join('\n'),
    origin(environment),
  ].join('\n\n');
}

function numbers(results: readonly Result[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const measured = SHOWN.filter((id) =>
    results.some(({ scenario }) => scenario === id),
  );
  const rows = measured.map((id) => {
    const { title, unit } = measure(id);
    const cells = CONTESTANTS.map((name) => {
      const found = find(results, id, name);
      return found ? number(found.median) : '';
    });
    return line([`${title}, ${unit}`, ...cells]);
  });
  return [
    line(['', ...CONTESTANTS]),
    `|---|${'---:|'.repeat(CONTESTANTS.length)}`,
    ...rows,
  ].join('\n');
}

const row = ({ target, value, passed }: Verdict): string =>
  `| ${measure(target.measure).title} | ${goal(target)} | ${reached(target, value)} | ${passed ? '✓' : '✗'} |`;

function origin({
  date,
  rounds,
  quick,
  hardware,
  versions,
  command,
}: Environment): string {
  const what = quick
    ? '**A quick look with small sizes, to be replaced by a full run.** '
    : '';
  return `${what}${date.slice(0, 10)}, \`${command}\`: medians of ${rounds} round${rounds === 1 ? '' : 's'} on ${hardware.cores} cores (${hardware.processor}), PostgreSQL ${versions.PostgreSQL}, ${versions.Redis}, Node ${versions.node}; bullmq ${versions.bullmq}, graphile-worker ${versions['graphile-worker']}, pg-boss ${versions['pg-boss']}, each in its best documented configuration. The floor is plain SQL without a job queue.`;
}
