import { parseArgs } from 'node:util';
import { CONTESTANTS, type Contestant } from './contestants.js';
import { FAULT_NAMES, type FaultName } from './faults.js';

export interface FaultsArguments {
  contestants: readonly Contestant[];
  faults: readonly FaultName[];
  seed: number;
  /** Where the results go; undefined: beside the page, if that is written. */
  json: string | undefined;
  /** Leaves the folder with ledgers and logs behind. */
  keep: boolean;
  /** Everything is played: the page can be written. */
  whole: boolean;
}

const names = CONTESTANTS.map(({ name }) => name);

export const USAGE = `npm run bench:faults -- [options]
  --contestant NAME   may be repeated; all: ${names.join(', ')}
  --fault NAME        may be repeated; all: ${FAULT_NAMES.join(', ')}
  --seed N            the same load and victims as in the run that printed this seed
  --json FILE         docs/faults.json; it and docs/faults.md are written when everything is played
  --keep              leaves ledgers and logs in the temporary folder`;

/** @throws with a sentence for people. */
export function parseArguments(args: string[]): FaultsArguments {
  const { values } = parseArgs({
    args,
    options: {
      contestant: { type: 'string', multiple: true, default: names },
      fault: { type: 'string', multiple: true, default: [...FAULT_NAMES] },
      seed: { type: 'string' },
      json: { type: 'string' },
      keep: { type: 'boolean', default: false },
    },
  });
  const contestants = values.contestant.map((name) => {
    const known = CONTESTANTS.find((each) => each.name === name);
    if (!known) throw new Error(`There is no contestant "${name}".`);
    return known;
  });
  const faults = values.fault.map((name) => {
    const known = FAULT_NAMES.find((each) => each === name);
    if (!known) throw new Error(`There is no fault "${name}".`);
    return known;
  });
  const seed = values.seed === undefined ? newSeed() : Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new Error(
      `Expected --seed to be a whole number, got: ${values.seed}.`,
    );
  const whole =
    new Set(contestants).size === CONTESTANTS.length &&
    new Set(faults).size === FAULT_NAMES.length;
  return { ...values, contestants, faults, seed, whole, json: values.json };
}

const newSeed = (): number => Math.floor(Math.random() * 2 ** 31);
