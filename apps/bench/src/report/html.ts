import { CONFIGURATIONS } from '../contestants/configurations.js';
import { CONTESTANTS } from '../contestants/names.js';
import type { Measure, Scenario } from '../scenarios/scenario.js';
import { measure, SCENARIOS } from '../scenarios/scenarios.js';
import { drawBars, escape, toBar, type BarLayout } from './bars.js';
import type { Environment } from './environment.js';
import { STYLE } from './html.style.js';
import type { Report, Result } from './results.js';
import { judge, type Verdict } from './targets.js';
import { goal, number, reached } from './words.js';

const LAYOUT: BarLayout = { width: 520, labelWidth: 130, rowHeight: 30 };

/** One page with everything in it: charts, targets, all numbers, and what a sceptic would ask. */
export function html({ environment, results, failures }: Report): string {
  const verdicts = judge(results);
  const measured = SCENARIOS.filter(({ measures }) =>
    measures.some(({ id }) => of(results, id).length > 0),
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kyu beside its peers</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Kyu beside its peers</h1>
<p>${escape(summary(environment))}</p>
${environment.quick ? '<p class="note">A quick look with small sizes and short windows. It shows that everything works; its numbers are no results.</p>' : ''}
${failures.length > 0 ? `<p class="note">Failed, and missing from the numbers: ${escape(failures.join('; '))}</p>` : ''}
<h2>Targets</h2>
<p>Ratios of medians within this run; numbers where there is nothing to compare with.</p>
${targets(verdicts)}
${measured.map((scenario) => section(scenario, results)).join('\n')}
<h2>All numbers</h2>
<p>The median of the rounds, the least and the most.</p>
${numbers(results)}
<h2>How each was set up</h2>
<p>Each contestant runs in processes of its own, on a database of its own, one after the other, round after round. After each, the jobs whose handlers were called are held against those that are stored.</p>
${configurations(environment)}
<h2>Where it ran</h2>
${facts(environment)}
</body>
</html>
`;
}

const of = (results: readonly Result[], id: string): Result[] =>
  results.filter(({ scenario }) => scenario === id);

const summary = ({ date, rounds, hardware, versions }: Environment): string =>
  `${date.slice(0, 10)}; ${rounds} round${rounds === 1 ? '' : 's'}; ${hardware.cores} × ${hardware.processor}; Node ${versions.node}, PostgreSQL ${versions.PostgreSQL}, ${versions.Redis}.`;

function section(
  { name, title, measures }: Scenario,
  results: readonly Result[],
): string {
  const cards = measures.flatMap((each) => {
    const rows = of(results, each.id);
    return rows.length > 0 ? [card(each, rows)] : [];
  });
  return `<h2 id="${name}">${escape(name)}</h2>\n<p>${escape(title)}</p>\n<div class="cards">\n${cards.join('\n')}\n</div>`;
}

function card({ title, unit, better }: Measure, rows: Result[]): string {
  const height = rows.length * LAYOUT.rowHeight;
  return `<div class="card"><h3>${escape(title)} <small class="dim">(${better} is better)</small></h3>
<svg viewBox="0 0 ${LAYOUT.width} ${height}" role="img" aria-label="${escape(title)}">
${drawBars(rows.map(toBar), unit, LAYOUT)}
</svg></div>`;
}

function targets(verdicts: readonly Verdict[]): string {
  return grid(
    ['', 'what', 'goal', 'here'],
    verdicts.map(({ target, value, passed }) => [
      passed
        ? '<span class="pass">pass</span>'
        : '<span class="fail">fail</span>',
      escape(measure(target.measure).title),
      escape(goal(target)),
      cell(reached(target, value)),
    ]),
  );
}

function numbers(results: readonly Result[]): string {
  return grid(
    ['what', 'who', 'median', 'least', 'most', 'unit'],
    results.map(({ scenario, contestant, unit, median, min, max }) => [
      escape(measure(scenario).title),
      escape(contestant),
      cell(number(median)),
      cell(number(min)),
      cell(number(max)),
      escape(unit),
    ]),
  );
}

function configurations({ versions }: Environment): string {
  return grid(
    ['who', 'versions', 'configuration'],
    CONTESTANTS.map((name) => {
      const { packages, text, link } = CONFIGURATIONS[name];
      return [
        escape(name),
        packages
          .map((each) => escape(`${each} ${versions[each] ?? ''}`))
          .join('<br>'),
        `${escape(text)}${link ? ` <a href="${link}">Its documentation</a>.` : ''}`,
      ];
    }),
  );
}

function facts(environment: Environment): string {
  const { command, date, hardware, servers } = environment;
  return grid(
    ['', ''],
    Object.entries({
      command,
      date,
      ...hardware,
      servers,
      Node: environment.versions.node!,
      PostgreSQL: `${environment.versions.PostgreSQL}: ${list(environment.postgresSettings)}`,
      Redis: `${environment.versions.Redis}: ${list(environment.redisSettings)}`,
    }).map(([name, value]) => [escape(name), `<code>${escape(value)}</code>`]),
  );
}

const list = (settings: Record<string, string>): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name} = ${value}`)
    .join(', ');

/** Cells are HTML already. */
function grid(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const row = (cells: readonly string[]): string =>
    `<tr>${cells.map((each) => (each.startsWith('<td') ? each : `<td>${each}</td>`)).join('')}</tr>`;
  return `<div class="scroll"><table><tr>${head.map((each) => `<th>${each}</th>`).join('')}</tr>
${rows.map(row).join('\n')}
</table></div>`;
}

const cell = (text: string): string =>
  `<td class="number">${escape(text)}</td>`;
