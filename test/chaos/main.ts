import { parseArguments, USAGE, type ChaosArguments } from './arguments.js';
import { Random } from './random.js';
import { printReport, writeReport, type Report } from './report.js';
import { writePage } from './report-page.js';
import { run } from './run.js';
import { killAllChildren } from './harness/child.js';
import { Servers } from './servers/servers.js';
import { Workspace } from './servers/workspace.js';

// `npm run test:chaos`: servers, storm, scenarios, report, and nothing left behind.

const begunAt = performance.now();
const say = (line: string): void =>
  console.log(
    line
      .split('\n')
      .map((each) => `${stamp()} ${each}`)
      .join('\n'),
  );
const stamp = (): string =>
  `[${((performance.now() - begunAt) / 1000).toFixed(1).padStart(6)} s]`;

async function main(args: ChaosArguments): Promise<Report> {
  const startedAt = new Date().toISOString();
  say(
    `Seed ${args.seed}, profile ${args.profile.name}; --seed ${args.seed} plays the same faults again.`,
  );
  const workspace = await Workspace.make();
  let servers: Servers | undefined;
  let cleaned: Promise<void> | undefined;
  const cleanUp = (): Promise<void> =>
    (cleaned ??= (async () => {
      await killAllChildren();
      await servers?.stop();
      if (args.keep) say(`Ledgers and logs are in ${workspace.folder}`);
      else await workspace.remove();
    })());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      say(`${signal}: cleaning up.`);
      void cleanUp().finally(() => process.exit(130));
    });
  // Also of what nobody awaits: a reader of our output that has gone away, for one.
  process.once('uncaughtException', (error) => {
    process.exitCode = 1;
    void cleanUp()
      .catch(() => undefined)
      .finally(() => {
        process.stderr.write(`${String(error.stack)}\n`, () => process.exit(1));
      });
  });
  try {
    servers = await Servers.start(workspace);
    const { versions } = servers;
    say(`PostgreSQL ${versions.postgres}, ${versions.redis}`);
    const ground = { servers, workspace, random: new Random(args.seed) };
    const findings = await run(args, ground, say);
    return {
      seed: args.seed,
      profile: args.profile.name,
      versions,
      startedAt,
      durationMs: performance.now() - begunAt,
      ...findings,
    };
  } finally {
    await cleanUp();
  }
}

let parsed: ChaosArguments;
try {
  parsed = parseArguments(process.argv.slice(2));
} catch (error) {
  console.error(`${(error as Error).message}\n\n${USAGE}`);
  process.exit(2);
}
try {
  const report = await main(parsed);
  await writeReport(report, parsed.report);
  if (parsed.page !== undefined) await writePage(report, parsed.page);
  printReport(report);
  process.exitCode = report.verdicts.every(({ passed }) => passed) ? 0 : 1;
} catch (error) {
  console.error(error);
  console.error(
    `The suite itself failed, with seed ${parsed.seed}.\n0 passed, 1 failed`,
  );
  process.exitCode = 1;
}
