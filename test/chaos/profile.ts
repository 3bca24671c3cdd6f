import type { Mix } from './app/settings.js';

/** How much of everything. */
export interface Profile {
  name: ProfileName;
  /** Each a storm, then a calm in which the system must recover. */
  rounds: number;
  stormMs: number;
  calmMs: number;
  workers: number;
  producers: number;
  /** Of each producer. */
  jobsPerSecond: number;
  /** Faults in each round's storm. */
  perRound: {
    kills: number;
    stops: number;
    postgresCrashes: number;
    postgresFaults: number;
    redisWipes: number;
    redisFaults: number;
    cuts: number;
    wireFaults: number;
  };
  /** What the report must show at least, or the run has proved less than its name says. */
  atLeast: Readonly<Record<string, number>>;
  mix: Mix;
  quiesceMs: number;
}

export type ProfileName = 'smoke' | 'short' | 'long';

const MIX: Mix = {
  fast: 50,
  slow: 14,
  flaky: 10,
  later: 10,
  parent: 5,
  booking: 5,
  doomed: 4,
  stubborn: 4,
  overrun: 2,
  blocking: 0.4,
};

const SHORT: Profile = {
  name: 'short',
  rounds: 11,
  stormMs: 13_000,
  calmMs: 6_000,
  workers: 4,
  producers: 2,
  jobsPerSecond: 80,
  perRound: {
    kills: 6,
    stops: 2,
    postgresCrashes: 1,
    postgresFaults: 1,
    redisWipes: 2,
    redisFaults: 1,
    cuts: 2,
    wireFaults: 1,
  },
  atLeast: {
    jobs: 20_000,
    SIGKILLs: 60,
    'Postgres crashes': 10,
    'Redis wipes and restarts': 20,
    'partitions and half-opens': 20,
  },
  mix: MIX,
  quiesceMs: 90_000,
};

export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  smoke: {
    ...SHORT,
    name: 'smoke',
    rounds: 2,
    stormMs: 8_000,
    calmMs: 4_000,
    atLeast: { jobs: 500, SIGKILLs: 5 },
  },
  short: SHORT,
  long: {
    ...SHORT,
    name: 'long',
    rounds: 60,
    quiesceMs: 180_000,
    atLeast: {
      jobs: 100_000,
      SIGKILLs: 300,
      'Postgres crashes': 50,
      'Redis wipes and restarts': 100,
      'partitions and half-opens': 100,
    },
  },
};
