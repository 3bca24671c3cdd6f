import type { ChaosArguments } from './arguments.js';
import type { MutantName } from './app/mutant-names.js';
import { CHECKERS } from './checks/checkers.sql.js';
import { runCheckers, showEvidence, type Violation } from './checks/check.js';
import { loadEvidence } from './checks/evidence.js';
import { measure } from './checks/measures.js';
import { filesWithFailpoints } from './checks/no-failpoints.js';
import { finish } from './harness/finish.js';
import { Sampler } from './harness/sampler.js';
import type { Report, Verdict } from './report.js';
import {
  play,
  type Ground,
  type Scenario,
  type ScenarioResult,
} from './scenarios/scenario.js';
import { SERVER_SCENARIOS } from './scenarios/server-scenarios.js';
import { blowStorm, openStorm } from './scenarios/storm.js';
import { WORKER_SCENARIOS } from './scenarios/worker-scenarios.js';

/** Everything that is asked of a scenario: the checkers on the evidence, and those that look while it runs. */
const ALL_CHECKS = [
  ...CHECKERS.map(({ name }) => name),
  'staged without a row',
  'left in Redis',
  'not back in Redis',
  'ended otherwise',
  'leaked session',
];

/** At the same time: more would only make each of them slow on two cores. */
const LANES = 2;

type Findings = Pick<Report, 'storm' | 'scenarios' | 'verdicts'>;

/** Runs what was asked for and judges it. */
export async function run(
  args: ChaosArguments,
  ground: Ground,
  say: (line: string) => void,
): Promise<Findings> {
  const findings: Findings = {
    storm: undefined,
    scenarios: [],
    verdicts: [await judgeBuild()],
  };
  if (args.only !== 'mutants') await runStorm(args, ground, findings, say);
  if (args.only !== 'storm') await runScenarios(args, ground, findings, say);
  return findings;
}

async function judgeBuild(): Promise<Verdict> {
  const files = await filesWithFailpoints();
  return {
    where: 'build',
    what: 'no failpoints in the library',
    passed: files.length === 0,
    detail: files.join(', '),
  };
}

async function runStorm(
  args: ChaosArguments,
  ground: Ground,
  findings: Findings,
  say: (line: string) => void,
): Promise<void> {
  const { profile, mutants } = args;
  const seconds = (profile.rounds * (profile.stormMs + profile.calmMs)) / 1_000;
  say(`The storm: ${profile.rounds} rounds, ${seconds} s`);
  const arena = await openStorm(ground, profile, mutants);
  const sampler = new Sampler(arena);
  try {
    await blowStorm(
      arena,
      profile,
      ground.random,
      args.verbose ? say : () => undefined,
    );
    const rest = await finish(arena, profile.quiesceMs);
    await sampler.stop();
    await loadEvidence(arena);
    const violations = [
      ...sampler.violations,
      ...rest.violations,
      ...(await runCheckers(arena)),
    ];
    if (violations.length > 0) say(await showEvidence(arena, violations));
    const measures = await measure(arena);
    const faults = arena.faults.counts;
    findings.storm = {
      ...measures,
      faults,
      settledMs: rest.settledMs,
      violations: countByChecker(violations),
    };
    findings.verdicts.push(...judge('storm', violations));
    const sum = (pattern: RegExp): number =>
      Object.entries(faults)
        .filter(([kind]) => pattern.test(kind))
        .reduce((total, [, count]) => total + count, 0);
    const shown: Record<string, number> = {
      jobs: measures.jobs,
      SIGKILLs: sum(/^SIGKILL/),
      'Postgres crashes': sum(/^postgres (crash|backend SIGKILL)/),
      'Redis wipes and restarts': sum(/^redis (FLUSHALL|restart)/),
      'partitions and half-opens': sum(/^wire .* (reset|swallow|hold)/),
    };
    for (const [what, least] of Object.entries(profile.atLeast))
      findings.verdicts.push({
        where: 'storm',
        what: `at least ${least} ${what}`,
        passed: shown[what]! >= least,
        detail: String(shown[what]),
      });
  } finally {
    await sampler.stop();
    await arena.close();
  }
}

async function runScenarios(
  args: ChaosArguments,
  ground: Ground,
  findings: Findings,
  say: (line: string) => void,
): Promise<void> {
  const chosen = [...WORKER_SCENARIOS, ...SERVER_SCENARIOS].filter(({ name }) =>
    name.includes(args.scenario ?? ''),
  );
  const plays = chosen.flatMap((scenario) => [
    { scenario, mutant: undefined },
    ...(Object.keys(scenario.mutants) as MutantName[]).map((mutant) => ({
      scenario,
      mutant,
    })),
  ]);
  const playOne = async (each: {
    scenario: Scenario;
    mutant: MutantName | undefined;
  }): Promise<void> => {
    const result = await play(each.scenario, each.mutant, ground);
    const verdicts = judgeScenario(each.scenario, result);
    findings.verdicts.push(...verdicts);
    const caughtBy = [...new Set(result.violations.map((v) => v.checker))];
    const { name, mutant, settledMs, tookMs } = result;
    findings.scenarios.push({ name, mutant, caughtBy, settledMs, tookMs });
    const bad = verdicts.some(({ passed }) => !passed);
    say(
      `${bad ? '✗' : '✓'} ${name}${mutant ? `, ${mutant}` : ''} (${(tookMs / 1000).toFixed(1)} s)${caughtBy.length ? `: ${caughtBy.join(', ')}` : ''}`,
    );
    if (result.evidence) say(result.evidence);
  };
  const playSafely = async (each: (typeof plays)[number]): Promise<void> => {
    try {
      await playOne(each);
    } catch (error) {
      const where = `${each.scenario.name}, ${each.mutant ?? 'unmutated'}`;
      const detail = String((error as Error).stack);
      findings.verdicts.push({ where, what: 'plays', passed: false, detail });
      say(`✗ ${where}: ${detail}`);
    }
  };
  const together = plays.filter(({ scenario }) => !scenario.alone);
  const lane = async (): Promise<void> => {
    for (let next = together.shift(); next; next = together.shift())
      await playSafely(next);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  for (const each of plays) if (each.scenario.alone) await playSafely(each);
}

/** Unmutated, every check must hold. A mutant must be caught, and by a checker that is there for it. */
function judgeScenario(
  { mutants }: Scenario,
  { name, mutant, violations }: ScenarioResult,
): Verdict[] {
  if (!mutant) return judge(name, violations);
  const expected = mutants[mutant]!;
  const caughtBy = Object.keys(countByChecker(violations));
  return [
    {
      where: `${name}, ${mutant}`,
      what: 'the mutant is caught',
      passed: caughtBy.some((checker) => expected.includes(checker)),
      detail:
        caughtBy.length > 0
          ? `by ${caughtBy.join(', ')}, expected ${expected.join(' or ')}`
          : 'by nobody',
    },
  ];
}

function judge(where: string, violations: readonly Violation[]): Verdict[] {
  const counts = countByChecker(violations);
  return ALL_CHECKS.map((what) => ({
    where,
    what,
    passed: !counts[what],
    detail: `${counts[what] ?? 0} violations`,
  }));
}

function countByChecker(
  violations: readonly Violation[],
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { checker } of violations)
    counts[checker] = (counts[checker] ?? 0) + 1;
  return counts;
}
