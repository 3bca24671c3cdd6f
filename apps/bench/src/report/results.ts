import type { ContestantName } from '../contestants/names.js';
import type { Unit } from '../scenarios/scenario.js';
import type { Environment } from './environment.js';

/** One number of the report. */
export interface Result {
  /** The id of what was measured. */
  scenario: string;
  contestant: ContestantName;
  unit: Unit;
  median: number;
  min: number;
  max: number;
  /** One for each round, in order. */
  values: number[];
}

/** What `--json` writes. */
export interface Report {
  environment: Environment;
  results: Result[];
  /** Measurements that failed, with the reason: each is a number that is missing from its median. */
  failures: string[];
}

export const find = (
  results: readonly Result[],
  scenario: string,
  contestant: ContestantName,
): Result | undefined =>
  results.find(
    (each) => each.scenario === scenario && each.contestant === contestant,
  );
