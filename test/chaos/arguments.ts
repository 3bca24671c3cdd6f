import { parseArgs } from 'node:util';
import { MUTANT_NAMES, type MutantName } from './app/mutant-names.js';
import { PROFILES, type Profile, type ProfileName } from './profile.js';

export interface ChaosArguments {
  profile: Profile;
  seed: number;
  mutants: MutantName[];
  only: 'storm' | 'mutants' | undefined;
  report: string;
  /** A Markdown page that gets the report between its markers. */
  page: string | undefined;
  /** Leaves the folder with ledgers and logs behind. */
  keep: boolean;
  verbose: boolean;
  /** Only the scenarios whose name has this in it. */
  scenario: string | undefined;
}

export const USAGE = `npm run test:chaos -- [options]
  --profile short|long|smoke   how much of everything (short)
  --seed N                     replays the faults of that run
  --mutant NAME                breaks Kyu in the storm, which must then fail: ${MUTANT_NAMES.join(', ')}
  --only storm|mutants         one half
  --scenario NAME              of the small scenarios, those with this in their name
  --report FILE                dist/chaos-report.json
  --page FILE                  a Markdown page that gets the report, too
  --keep                       leaves ledgers and logs in the temporary folder
  --verbose                    says every fault`;

/** @throws with a sentence for people. */
export function parseArguments(args: string[]): ChaosArguments {
  const { values } = parseArgs({
    args,
    options: {
      profile: { type: 'string', default: 'short' },
      seed: { type: 'string' },
      mutant: { type: 'string', multiple: true, default: [] },
      only: { type: 'string' },
      scenario: { type: 'string' },
      report: { type: 'string', default: 'dist/chaos-report.json' },
      page: { type: 'string' },
      keep: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
    },
  });
  if (!Object.hasOwn(PROFILES, values.profile))
    throw new Error(`There is no profile "${values.profile}".`);
  const mutants = values.mutant.map((name) => {
    const known = MUTANT_NAMES.find((each) => each === name);
    if (!known) throw new Error(`There is no mutant "${name}".`);
    return known;
  });
  const seed = values.seed === undefined ? newSeed() : Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new Error(
      `Expected --seed to be a whole number, got: ${values.seed}.`,
    );
  const { only } = values;
  if (only !== undefined && only !== 'storm' && only !== 'mutants')
    throw new Error(`Expected --only to be storm or mutants, got: ${only}.`);
  return {
    ...values,
    scenario: values.scenario,
    page: values.page,
    profile: PROFILES[values.profile as ProfileName],
    seed,
    mutants,
    only,
  };
}

const newSeed = (): number => Math.floor(Math.random() * 2 ** 31);
