import type { Producing } from './app/settings.js';

export const FAULT_NAMES = ['none', 'kill', 'flush', 'crash'] as const;
export type FaultName = (typeof FAULT_NAMES)[number];

export interface FaultPlan {
  title: string;
  producing: Producing;
  /** Milliseconds from the first enqueue to each fault. */
  at: number[];
}

const WORK_MS: [number, number] = [500, 1_500];
const STEADY = { burst: 0, perSecond: 12, workMs: WORK_MS };

/** Between the crash of a store and its next start. */
export const DOWN_MS = 1_500;

/** Worker processes of a case, and jobs that each runs at once: a little more than the load needs. */
export const WORKERS = 3;
export const CONCURRENCY = 5;
/** The first of them are killed. The others live on, so that the timers of whoever looks for dead workers are not set back by every boot. */
export const VICTIMS = 2;

/**
 * How long after the last fault a job may take. Longer than every documented rescue but those of a quarter of an hour and more: pg-boss with heartbeats
 * says one to two minutes, BullMQ up to one, Kyu 37 s.
 */
export const PATIENCE_MS = 120_000;

/** All kills come within 30 s of the first: a job hardly meets two, so that limits on crashes are not what is measured. */
export const FAULTS: Readonly<Record<FaultName, FaultPlan>> = {
  none: {
    title: 'no fault',
    producing: { ...STEADY, jobs: 150 },
    at: [],
  },
  kill: {
    title: 'SIGKILL of a worker process, six times',
    producing: { ...STEADY, jobs: 240 },
    at: [3_000, 5_500, 8_000, 10_500, 13_000, 15_500],
  },
  flush: {
    title: 'Redis FLUSHALL while jobs wait',
    producing: { ...STEADY, jobs: 200, burst: 150, perSecond: 5 },
    at: [4_000],
  },
  crash: {
    title: 'crash and restart of the store, three times',
    producing: { ...STEADY, jobs: 240 },
    at: [4_000, 9_000, 14_000],
  },
};
