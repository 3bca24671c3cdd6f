import { parseArguments, USAGE, type ChaosArguments } from './arguments.js';
import { runCheckers, showEvidence } from './checks/check.js';
import { loadEvidence } from './checks/evidence.js';
import { finish } from './harness/finish.js';
import { Random } from './random.js';
import { storm } from './scenarios/storm.js';
import { Servers } from './servers/servers.js';
import { Workspace } from './servers/workspace.js';

async function main(args: ChaosArguments): Promise<void> {
  const random = new Random(args.seed);
  const workspace = await Workspace.make();
  const servers = await Servers.start(workspace);
  console.log(`seed ${args.seed}`, servers.versions, workspace.folder);
  try {
    const t0 = performance.now();
    const arena = await storm(
      servers,
      workspace,
      args.profile,
      random,
      args.mutants,
      (l) => args.verbose && console.log(l),
    );
    try {
      const rest = await finish(arena, args.profile.quiesceMs);
      console.log('settled', rest.settledMs, 'total', performance.now() - t0);
      const t1 = performance.now();
      await loadEvidence(arena);
      console.log('loaded', performance.now() - t1);
      const violations = [...rest.violations, ...(await runCheckers(arena))];
      console.log('checked', performance.now() - t1);
      console.log(
        await arena.sql('select status, count(*) from @.kyu_jobs group by 1'),
      );
      console.log(arena.faults.counts);
      console.log(await showEvidence(arena, violations));
      console.log(violations.length);
    } finally {
      await arena.close();
    }
  } finally {
    await servers.stop();
    if (!args.keep) await workspace.remove();
  }
}

let parsed: ChaosArguments;
try {
  parsed = parseArguments(process.argv.slice(2));
} catch (error) {
  console.error(`${(error as Error).message}\n\n${USAGE}`);
  process.exit(2);
}
await main(parsed);
