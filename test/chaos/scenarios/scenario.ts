import type { MutantName } from '../app/mutant-names.js';
import { runCheckers, showEvidence, type Violation } from '../checks/check.js';
import { loadEvidence } from '../checks/evidence.js';
import { Arena, type ArenaOptions } from '../harness/arena.js';
import { finish } from '../harness/finish.js';
import { Sampler } from '../harness/sampler.js';
import { ServerFaults } from '../harness/server-faults.js';
import type { Random } from '../random.js';
import type { Servers } from '../servers/servers.js';
import type { Workspace } from '../servers/workspace.js';

/** A short, pointed case: just the processes and the faults that show one kind of mistake. */
export interface Scenario {
  name: string;
  /** What is done, in words. */
  about: string;
  options?: Pick<ArenaOptions, 'kyu' | 'pruneEveryMs' | 'failpoints'>;
  /** Whether it does something to a server that everybody on it would notice: then it runs alone. */
  alone?: boolean;
  /** How long after the faults the last job may take. */
  quiesceMs: number;
  /** Kyu with this promise broken must fail here, by one of these checkers at least. */
  mutants: Partial<Record<MutantName, readonly string[]>>;
  run(arena: Arena, faults: ServerFaults): Promise<void>;
}

export interface ScenarioResult {
  name: string;
  mutant: MutantName | undefined;
  violations: Violation[];
  /** For people; empty when there is nothing to show. */
  evidence: string;
  settledMs: number | undefined;
  tookMs: number;
  faults: Readonly<Record<string, number>>;
}

export interface Ground {
  servers: Servers;
  workspace: Workspace;
  random: Random;
}

/** Plays a scenario, with Kyu as it is or with a mutant of it, and asks all checkers. */
export async function play(
  scenario: Scenario,
  mutant: MutantName | undefined,
  { servers, workspace, random }: Ground,
): Promise<ScenarioResult> {
  const begunAt = performance.now();
  const name = mutant ? `${scenario.name} ${mutant}` : scenario.name;
  const arena = await Arena.open(servers, workspace, {
    ...scenario.options,
    name: name.replaceAll(' ', '-'),
    // A mutant meets what the original met.
    random: random.fork(scenario.name),
    mutants: mutant ? [mutant] : [],
  });
  const sampler = new Sampler(arena);
  try {
    const faults = new ServerFaults(arena);
    await scenario.run(arena, faults);
    await faults.over();
    await sampler.stop();
    const rest = await finish(arena, scenario.quiesceMs);
    await loadEvidence(arena);
    const violations = [
      ...sampler.violations,
      ...rest.violations,
      ...(await runCheckers(arena)),
    ];
    return {
      name: scenario.name,
      mutant,
      violations,
      evidence: mutant ? '' : await showEvidence(arena, violations),
      settledMs: rest.settledMs,
      tookMs: performance.now() - begunAt,
      faults: arena.faults.counts,
    };
  } finally {
    await sampler.stop();
    await arena.close();
  }
}
