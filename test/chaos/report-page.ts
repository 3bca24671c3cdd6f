import { readFile, writeFile } from 'node:fs/promises';
import { stormRows, type Report } from './report.js';

const BEGIN = '<!-- chaos report: begin -->';
const END = '<!-- chaos report: end -->';

/** Puts the report between the markers of a page. @throws when the page has none. */
export async function writePage(report: Report, file: string): Promise<void> {
  const page = await readFile(file, 'utf8');
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin === -1 || end < begin)
    throw new Error(`${file} has no lines "${BEGIN}" and "${END}".`);
  const text = `${BEGIN}\n\n${describe(report)}\n\n`;
  await writeFile(file, page.slice(0, begin) + text + page.slice(end));
}

function describe(report: Report): string {
  const { storm, verdicts, scenarios } = report;
  const failed = verdicts.filter(({ passed }) => !passed).length;
  const mutants = scenarios.filter(({ mutant }) => mutant !== undefined);
  const versions = Object.entries(report.versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
  const rows: (readonly [string, string | number])[] = [
    ...(storm ? stormRows(storm) : []),
    ['mutants of Kyu, each caught', mutants.length],
    ['checks held, failed', `${verdicts.length - failed}, ${failed}`],
  ];
  return [
    `\`npm run test:chaos -- --profile ${report.profile} --seed ${report.seed}\` on ${report.startedAt.slice(0, 10)}, ${Math.round(report.durationMs / 60_000)} minutes; ${versions}.`,
    '',
    '| | |',
    '|---|---|',
    ...rows.map(([name, value]) => `| ${name.trim()} | ${value} |`),
    ...(storm ? ['', bounds(storm)] : []),
  ].join('\n');
}

/** Nothing seen in n trials bounds the rate at about 3/n, with 95 % confidence (the rule of three). */
function bounds({
  faults,
  jobs,
  violations,
}: NonNullable<Report['storm']>): string {
  const kills = Object.entries(faults)
    .filter(([kind]) => kind.startsWith('SIGKILL'))
    .reduce((sum, [, count]) => sum + count, 0);
  const lost = violations.lost ?? 0;
  if (lost > 0) return `${lost} jobs were lost.`;
  const percent = (n: number): string => `${(300 / n).toPrecision(2)} %`;
  return `What this bounds, by the rule of three: 0 jobs lost in ${kills} kills of a process says, with 95 % confidence, that fewer than ${percent(kills)} of such kills lose one; 0 of ${jobs} jobs, that fewer than ${percent(jobs)} of jobs are lost on a day like this one.`;
}
