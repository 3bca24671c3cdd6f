import { parseArgs } from 'node:util';
import {
  CONTESTANTS,
  isContestant,
  type ContestantName,
} from './contestants/names.js';
import type { Scenario } from './scenarios/scenario.js';
import { SCENARIOS } from './scenarios/scenarios.js';

export interface BenchArguments {
  scenarios: readonly Scenario[];
  contestants: readonly ContestantName[];
  rounds: number;
  quick: boolean;
  /** Quick ratios against the floor and one peer; only half of a target missed is a failure. */
  guard: boolean;
  json: string | undefined;
  html: string | undefined;
}

const ROUNDS = { full: 3, quick: 1 };

/** What a guard can tell in two minutes on a busy machine. */
const GUARDED = {
  scenarios: ['process', 'enqueue', 'bulk'],
  contestants: ['kyu', 'bullmq', 'floor'],
  rounds: 2,
};

export const USAGE = `npm run bench -- [options]
  --scenario NAME     only this one; may be repeated: ${SCENARIOS.map(({ name }) => name).join(', ')}
  --contestant NAME   only this one; may be repeated: ${CONTESTANTS.join(', ')}
  --rounds N          measure everything so often (${ROUNDS.full}; ${ROUNDS.quick} with --quick)
  --quick             small sizes and short windows: shows that it works, is no result
  --guard             for CI: quick ratios of ${GUARDED.scenarios.join(', ')}; fails below half a target
  --json FILE         numbers for machines
  --html FILE         a report to look at
Servers: those of KYU_POSTGRES_URL and KYU_REDIS_URL, else private ones with durable settings.`;

/** @throws with a sentence for people. */
export function parseArguments(args: string[]): BenchArguments {
  const { values } = parseArgs({
    args,
    options: {
      scenario: { type: 'string', multiple: true, default: [] },
      contestant: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      guard: { type: 'boolean', default: false },
      json: { type: 'string' },
      html: { type: 'string' },
    },
  });
  const { guard, json, html } = values;
  const quick = values.quick || guard;
  const given = values.rounds && Number(values.rounds);
  if (given !== undefined && !(Number.isInteger(given) && Number(given) > 0))
    throw new Error(
      `Expected --rounds to be a whole number above 0, got: ${values.rounds}.`,
    );
  const rounds = Number(
    given ?? (guard ? GUARDED.rounds : quick ? ROUNDS.quick : ROUNDS.full),
  );
  const contestants = (guard ? GUARDED : { contestants: values.contestant })
    .contestants;
  return {
    scenarios: scenariosOf(guard ? GUARDED.scenarios : values.scenario),
    contestants: contestants.map((name) => {
      if (isContestant(name)) return name;
      throw new Error(
        `There is no contestant "${name}". There are: ${CONTESTANTS.join(', ')}.`,
      );
    }),
    rounds,
    quick,
    guard,
    json,
    html,
  };
}

function scenariosOf(names: readonly string[]): readonly Scenario[] {
  if (names.length === 0) return SCENARIOS;
  return names.map((name) => {
    const scenario = SCENARIOS.find((each) => each.name === name);
    if (scenario) return scenario;
    throw new Error(
      `There is no scenario "${name}". There are: ${SCENARIOS.map((each) => each.name).join(', ')}.`,
    );
  });
}
