/** Where the stores of one case are; empty for the one that a contestant does not use. */
export interface Urls {
  postgres: string;
  redis: string;
}

/** What a process under test is told by the harness: one JSON in its environment, as it holds a password. */
export interface AppSettings {
  role: 'worker' | 'producer';
  /** Of this incarnation; its ledger has this name. */
  process: string;
  ledgerFile: string;
  /** Of the file in peers/. */
  peer: string;
  setup: Setup;
  seed: number;
  producing: Producing;
}

/** What a contestant's file in peers/ needs to know. */
export interface Setup {
  urls: Urls;
  /** Jobs that one worker process runs at once. */
  concurrency: number;
  /** With the options that its documentation recommends beyond its defaults. */
  tuned: boolean;
}

/** Jobs in all; `burst` of them at once, the others at a steady rate. */
export interface Producing {
  jobs: number;
  burst: number;
  perSecond: number;
  /** Range of a handler's time. */
  workMs: [min: number, max: number];
}

export interface Payload {
  key: string;
  workMs: number;
}

export const SETTINGS_VARIABLE = 'BENCH_FAULTS_APP';

export function readSettings(): AppSettings {
  const text = process.env[SETTINGS_VARIABLE];
  if (!text)
    throw new Error(
      `${SETTINGS_VARIABLE} is not set: this process is started by npm run bench:faults.`,
    );
  return JSON.parse(text) as AppSettings;
}
