import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '../../../../test/chaos/random.js';
import { Workspace } from '../../../../test/chaos/servers/workspace.js';
import { parseArguments, USAGE, type FaultsArguments } from './arguments.js';
import { CONTESTANTS } from './contestants.js';
import { PATIENCE_MS } from './faults.js';
import { playCase, type CaseResult } from './harness/case.js';
import { stopAllStores } from './harness/stores.js';
import { killAllProcesses } from './harness/supervised.js';
import { writePage } from './report/page.js';
import { problemsOf, type FaultsReport } from './report/report.js';
import { show } from './report/show.js';
import { machine, versionOf } from './report/versions.js';

// `npm run bench:faults`: three faults against Kyu and its peers, on servers of their own.

/** Cases that are played at once. Most of their time is waiting, and each has servers and processes of its own. */
const AT_ONCE = 6;

/** From dist/apps/bench/src/faults, where this file runs. */
const DOCS = fileURLToPath(new URL('../../../../../docs/', import.meta.url));

const begunAt = performance.now();
const say = (line: string): void => {
  const seconds = ((performance.now() - begunAt) / 1000).toFixed(1);
  console.log(`[${seconds.padStart(6)} s] ${line}`);
};

async function main(args: FaultsArguments): Promise<FaultsReport> {
  const startedAt = new Date().toISOString();
  say(`Seed ${args.seed}.`);
  const workspace = await Workspace.make();
  const cleanUp = async (): Promise<void> => {
    await killAllProcesses();
    await stopAllStores();
    if (args.keep) say(`Ledgers and logs are in ${workspace.folder}`);
    else await workspace.remove();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      say(`${signal}: cleaning up.`);
      void cleanUp().finally(() => process.exit(130));
    });
  try {
    const cases = await playAll(args, workspace);
    const servers = Object.assign({}, ...cases.map((each) => each.versions));
    return {
      seed: args.seed,
      startedAt,
      durationMs: performance.now() - begunAt,
      patienceMs: PATIENCE_MS,
      machine: machine(),
      versions: { ...packageVersions(), ...servers },
      cases,
    };
  } finally {
    await cleanUp();
  }
}

async function playAll(
  { contestants, faults, seed }: FaultsArguments,
  workspace: Workspace,
): Promise<CaseResult[]> {
  const random = new Random(seed);
  const cases = faults.flatMap((fault) =>
    contestants
      .filter((contestant) => contestant.faults.includes(fault))
      .map((contestant) => ({ contestant, fault })),
  );
  const results: CaseResult[] = [];
  const next = async (): Promise<void> => {
    for (let each; (each = cases.shift());) {
      const { contestant, fault } = each;
      const folder = workspace.path(`${fault}-${contestant.name}`);
      // The same load and the same choices for all contestants.
      const result = await playCase(
        contestant,
        fault,
        folder,
        random.fork(fault),
      );
      results.push(result);
      say(
        `${fault}, ${contestant.title}: ${result.acked} acked, ${result.lost} lost, ${result.late} late, ${result.doubled} doubled`,
      );
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  return results;
}

const packageVersions = (): Record<string, string> => ({
  node: process.versions.node,
  ...Object.fromEntries(
    CONTESTANTS.map(({ package: name }) => [name, versionOf(name)]),
  ),
});

let parsed: FaultsArguments;
try {
  parsed = parseArguments(process.argv.slice(2));
} catch (error) {
  console.error(`${(error as Error).message}\n\n${USAGE}`);
  process.exit(2);
}
try {
  const report = await main(parsed);
  show(report);
  const problems = report.cases.flatMap(problemsOf);
  for (const problem of problems) console.error(`✗ ${problem}`);
  const publish = parsed.whole && problems.length === 0;
  if (publish) await writePage(report, `${DOCS}faults.md`);
  const json = parsed.json ?? (publish ? `${DOCS}faults.json` : undefined);
  if (json !== undefined) {
    await mkdir(path.dirname(path.resolve(json)), { recursive: true });
    await writeFile(json, `${JSON.stringify(report, undefined, 2)}\n`);
  }
  process.exitCode = problems.length === 0 ? 0 : 1;
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
