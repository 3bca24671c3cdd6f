/** What a process of the system under test is told by the harness: one JSON in its environment, as it holds a password. */
export interface AppSettings {
  role: 'worker' | 'producer' | 'canceller' | 'both';
  /** Of this incarnation; the keys of its jobs begin with it. */
  name: string;
  seed: number;
  postgresUrl: string;
  redisUrl: string;
  schema: string;
  queueName: string;
  ledgerFile: string;
  kyu: KyuSettings;
  failpoints: FailpointSetting[];
  mutants: string[];
  producing: ProducingSettings;
  /** How often to prune, as the library's own minute is longer than a scenario. 0: leave it to the library. */
  pruneEveryMs: number;
}

/** The options of the module that differ between scenarios. Milliseconds. */
export interface KyuSettings {
  workers: number;
  heartbeatIntervalMs: number;
  heartbeatTimeoutMs: number;
  staleJobTimeoutMs: number;
  drainTimeoutMs: number;
  maxCrashes: number;
  keepFinishedMs: number | false;
}

export interface FailpointSetting {
  name: string;
  /** Of each passage. */
  probability: number;
  signal: 'SIGKILL' | 'SIGSTOP';
}

export const JOB_TYPES = [
  'fast',
  'slow',
  'flaky',
  'doomed',
  'later',
  'blocking',
  'parent',
  'stubborn',
  'overrun',
  'cancellable',
  'poison',
  'booking',
] as const;
export type JobType = (typeof JOB_TYPES)[number];
export type Mix = Partial<Record<JobType, number>>;

export interface ProducingSettings {
  perSecond: number;
  /** The share of calls that are `enqueueMany()`. */
  batchShare: number;
  maxBatch: number;
  mix: Mix;
  /** Range of a slow, stubborn or blocking handler's time. */
  workMs: [min: number, max: number];
  priorities: [min: number, max: number];
  /** How far ahead `later` jobs are scheduled. */
  laterMs: [min: number, max: number];
  /** Time limit of slow, stubborn and blocking jobs. */
  timeoutMs: number;
  /** Ends by itself after so many jobs; 0: goes on. */
  limit: number;
}

export const SETTINGS_VARIABLE = 'KYU_CHAOS_APP';

export function readSettings(): AppSettings {
  const text = process.env[SETTINGS_VARIABLE];
  if (!text)
    throw new Error(
      `${SETTINGS_VARIABLE} is not set: this process is started by the chaos suite.`,
    );
  return JSON.parse(text) as AppSettings;
}

/** What a process says to the harness. */
export type AppMessage =
  { ready: string } | { stopping: string } | { produced: number };
/** What the harness says. */
export type HarnessMessage = { disarm: true };

export interface ChaosPayload {
  key: string;
  workMs: number;
  /** How often a flaky one throws first, and one more than a booking does. */
  failures: number;
  children: number;
}
