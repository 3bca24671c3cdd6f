import type { ContestantName } from '../contestants/names.js';
import type { Ground } from '../harness/ground.js';
import type { Sizes } from './sizes.js';

export type Unit = 'jobs/s' | 'ms' | 'µs' | 'MiB' | 'tx/s' | '%';

/** Something that is measured: a row of numbers, one for each contestant. */
export interface Measure {
  id: string;
  title: string;
  unit: Unit;
  better: 'more' | 'less';
}

export type Round = Partial<Record<string, number>>;

export interface Run {
  ground: Ground;
  sizes: Sizes;
}

/** One contestant in a scenario; the same one may take part several times, under different conditions. */
export interface Entrant {
  contestant: ContestantName;
  /** The condition, for people, where there are several. */
  label?: string;
  /** Measures once; the result by the ids of the scenario's measures. */
  round(run: Run): Promise<Round>;
}

export interface Scenario {
  name: string;
  /** One sentence: what happens and what is measured. */
  title: string;
  measures: readonly Measure[];
  entrants: readonly Entrant[];
  /** Before the first round. */
  prepare?(run: Run): Promise<void>;
}

/** At most this many jobs at once, for everyone. */
export const SLOTS = 50;
