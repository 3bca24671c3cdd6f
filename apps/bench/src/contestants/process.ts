import { serve } from '../harness/serve.js';
import type {
  Contestant,
  ContestantSettings,
  JobOptions,
} from './contestant.js';
import { loadContestant } from './load.js';
import { Meter, type RateWindow } from './meter.js';
import type { ContestantName } from './names.js';
import { Producer, type Enqueued, type Window } from './producer.js';

// One contestant's process: `open` says which, `openQueue` makes it a producer, `work` a worker, `both` the two at once.

let contestant: Contestant;
let producer: Producer;
let meter: Meter | undefined;

function worker(): Meter {
  if (meter) return meter;
  throw new Error('This process is no worker yet: ask it to work first.');
}

const tasks = {
  open: async ({
    name,
    settings,
  }: {
    name: ContestantName;
    settings: ContestantSettings;
  }): Promise<void> => {
    contestant = await loadContestant(name, settings);
  },
  setUp: (): Promise<void> => contestant.setUp(),
  /** Its jobs have the numbers from `first` on. */
  openQueue: async (first: number): Promise<void> => {
    await contestant.openQueue();
    producer = new Producer(contestant, first);
  },
  fill: ({
    count,
    options,
  }: {
    count: number;
    options?: JobOptions;
  }): Promise<void> => producer.fill(count, options),
  oneByOne: ({
    callers,
    ...window
  }: Window & { callers: number }): Promise<Enqueued> =>
    producer.oneByOne(callers, window),
  inBulk: ({ size, ...window }: Window & { size: number }): Promise<Enqueued> =>
    producer.inBulk(size, window),
  send: ({
    count,
    pauseMs,
  }: {
    count: number;
    pauseMs: number;
  }): Promise<void> => producer.send(count, pauseMs),
  sendUrgent: (): Promise<void> => producer.sendOne({ priority: 'urgent' }),
  schedule: ({
    count,
    aheadMs,
    everyMs,
  }: {
    count: number;
    aheadMs: number;
    everyMs: number;
  }): Promise<void> => producer.schedule(count, aheadMs, everyMs),

  work: async ({
    slots,
    capacity,
    waitMs = 0,
  }: {
    slots: number;
    /** Jobs have smaller numbers than this. */
    capacity: number;
    waitMs?: number;
  }): Promise<void> => {
    meter = new Meter(capacity, waitMs);
    await contestant.work(meter.handle, slots);
  },
  /** Its jobs have the numbers from `first` on, and smaller ones than `capacity`. */
  both: async ({
    first,
    slots,
    capacity,
  }: {
    first: number;
    slots: number;
    capacity: number;
  }): Promise<void> => {
    meter = new Meter(capacity, 0);
    await contestant.both(meter.handle, slots);
    producer = new Producer(contestant, first);
  },
  rate: (window: RateWindow): Promise<number> => worker().rate(window),
  handled: (): number => worker().handled,
  delays: (): number[] => worker().delays.splice(0),
  lateness: (): number[] => worker().lateness.splice(0),
  usage: (): Usage => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    return {
      cpuMs: (userCPUTime + systemCPUTime) / 1000,
      peakMemoryMb: maxRSS / 1024,
    };
  },

  unfinished: (): Promise<number> => contestant.unfinished(),
  /** What the meter has counted is final only now. */
  close: async (): Promise<{ handled: number; duplicates: number }> => {
    await contestant.close();
    return {
      handled: meter?.handled ?? 0,
      duplicates: meter?.duplicates ?? 0,
    };
  },
};

export interface Usage {
  /** User and system time of the process since its start. */
  cpuMs: number;
  /** The most that was ever resident. */
  peakMemoryMb: number;
}

export type ContestantTasks = typeof tasks;

serve(tasks);
