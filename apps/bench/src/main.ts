import { readFile, writeFile } from 'node:fs/promises';
import { parseArguments, USAGE, type BenchArguments } from './arguments.js';
import { Ground } from './harness/ground.js';
import { killAllPrograms } from './harness/program.js';
import { startServers } from './harness/servers.js';
import { describeEnvironment } from './report/environment.js';
import { RESULTS } from './readme/section.js';
import { html } from './report/html.js';
import type { Report } from './report/results.js';
import { table } from './report/table.js';
import { judge, TARGETS, withinReach, type Verdict } from './report/targets.js';
import { runAll, type Findings } from './run.js';
import { FULL, QUICK } from './scenarios/sizes.js';

// `npm run bench`: servers, scenarios, report, and nothing left behind.

const say = (line: string): void => console.log(line);

/** In a guard, noise must not fail the build: a ratio has to fall below half its target, or half of what the committed full run reached at the least if that is less. */
const GUARD_SLACK = 2;

async function main(args: BenchArguments): Promise<Report> {
  const servers = await startServers();
  say(`${servers.description}. Node ${process.versions.node} runs everyone.`);
  let ground: Ground | undefined;
  const cleanUp = async (): Promise<void> => {
    await killAllPrograms();
    await ground?.close();
    await servers.stop();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => void cleanUp().finally(() => process.exit(130)));
  try {
    ground = await Ground.open(servers);
    const { quick, rounds } = args;
    const environment = await describeEnvironment(ground, {
      command: `npm run bench -- ${process.argv.slice(2).join(' ')}`.trim(),
      rounds,
      quick,
      servers: servers.description,
    });
    const run = { ground, sizes: quick ? QUICK : FULL };
    const save = (findings: Findings): Promise<void> =>
      write(args, { environment, ...findings });
    return { environment, ...(await runAll(args, run, say, save)) };
  } finally {
    await cleanUp();
  }
}

async function write(
  { json, html: page }: BenchArguments,
  report: Report,
): Promise<void> {
  if (json) await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
  if (page) await writeFile(page, html(report));
}

/** Of those that are held against somebody else: what depends on the machine alone is not for a guard. */
async function guardVerdicts({ results }: Report): Promise<Verdict[]> {
  const ratios = TARGETS.filter(({ against }) => against !== undefined);
  const committed = JSON.parse(await readFile(RESULTS, 'utf8')) as Report;
  return judge(results, withinReach(ratios, committed.results), GUARD_SLACK);
}

let args: BenchArguments;
try {
  args = parseArguments(process.argv.slice(2));
} catch (error) {
  console.error(`${(error as Error).message}\n\n${USAGE}`);
  process.exit(2);
}
const report = await main(args);
const verdicts = args.guard
  ? await guardVerdicts(report)
  : judge(report.results);
say(table(report.results, verdicts));
if (args.guard)
  say(
    '\nThe goals that the committed run missed are what it reached in its worst round; the guard lets everything pass that reaches half of its goal.',
  );
if (args.quick)
  say('\nThese are quick looks with small sizes: no results to quote.');
if (report.failures.length > 0) {
  console.error(`\nFailed:\n${report.failures.join('\n')}`);
  process.exitCode = 1;
}
if (args.guard && verdicts.some(({ passed }) => !passed)) {
  console.error('\nA ratio is below half of its goal.');
  process.exitCode = 1;
}
