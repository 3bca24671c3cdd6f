import { setTimeout as sleep } from 'node:timers/promises';
import type { Tuning } from '../contestants/contestant.js';
import { CONTESTANTS } from '../contestants/names.js';
import type { Arena, ContestantProgram } from '../harness/arena.js';
import { monotonic, until } from '../harness/clock.js';
import { median, percentile } from '../report/statistics.js';
import { inArena } from './in-arena.js';
import { SLOTS, type Entrant, type Round, type Scenario } from './scenario.js';
import type { Sizes } from './sizes.js';

/** Single jobs before those that count. */
const WARM_UP_JOBS = 50;
const AHEAD_MS = 3_000;
const EVERY_MS = 10;
/** Urgent jobs come at this distance. */
const URGENT_EVERY_MS = 700;

const entrant = (
  contestant: Entrant['contestant'],
  round: (arena: Arena, sizes: Sizes) => Promise<Round>,
  tuning: Tuning = 'latency',
): Entrant => ({
  contestant,
  round: ({ ground, sizes }) =>
    inArena(ground, contestant, { tuning }, (arena) => round(arena, sizes)),
});

const queues = CONTESTANTS.filter((name) => name !== 'floor');

/** A worker that waits for jobs, and a producer in another process. */
async function startBoth(
  arena: Arena,
  capacity: number,
  waitMs = 0,
): Promise<{ worker: ContestantProgram; producer: ContestantProgram }> {
  const worker = await arena.start('worker');
  await worker.ask('work', { slots: SLOTS, capacity, waitMs });
  return { worker, producer: await arena.startProducer() };
}

const handledAll = (worker: ContestantProgram, count: number): Promise<void> =>
  until(
    `${count} jobs to be handled`,
    async () => (await worker.ask('handled')) >= count,
    120_000,
  );

async function latencyRound(arena: Arena, sizes: Sizes): Promise<Round> {
  const { latencyJobs: count, latencyPauseMs: pauseMs } = sizes;
  const both = await startBoth(arena, WARM_UP_JOBS + count);
  const { worker, producer } = both;
  await producer.ask('send', { count: WARM_UP_JOBS, pauseMs });
  await handledAll(worker, WARM_UP_JOBS);
  await worker.ask('delays');
  await producer.ask('send', { count, pauseMs });
  await handledAll(worker, WARM_UP_JOBS + count);
  const delays = await worker.ask('delays');
  arena.acknowledge(WARM_UP_JOBS + count);
  await arena.verify(worker);
  return {
    'latency-p50': median(delays),
    'latency-p99': percentile(delays, 0.99),
  };
}

export const latency: Scenario = {
  name: 'latency',
  title:
    'An idle system, a producer and a worker process: from the call of enqueue to the start of the handler.',
  measures: [
    {
      id: 'latency-p50',
      title: 'latency, idle: enqueue call → handler, p50',
      unit: 'ms',
      better: 'less',
    },
    {
      id: 'latency-p99',
      title: 'latency, idle: enqueue call → handler, p99',
      unit: 'ms',
      better: 'less',
    },
  ],
  entrants: queues.map((name) => entrant(name, latencyRound)),
};

async function latenessRound(
  arena: Arena,
  { scheduledJobs: count }: Sizes,
): Promise<Round> {
  const { worker, producer } = await startBoth(arena, count);
  await producer.ask('schedule', {
    count,
    aheadMs: AHEAD_MS,
    everyMs: EVERY_MS,
  });
  await handledAll(worker, count);
  const lateness = await worker.ask('lateness');
  arena.acknowledge(count);
  await arena.verify(worker);
  return {
    'lateness-p50': median(lateness),
    'lateness-p99': percentile(lateness, 0.99),
  };
}

export const scheduled: Scenario = {
  name: 'scheduled',
  title:
    'Jobs that are scheduled 3 s ahead, one every 10 ms, on an idle system: how much later than that their handlers start.',
  measures: [
    {
      id: 'lateness-p50',
      title: 'a job scheduled 3 s ahead starts late by, p50',
      unit: 'ms',
      better: 'less',
    },
    {
      id: 'lateness-p99',
      title: 'a job scheduled 3 s ahead starts late by, p99',
      unit: 'ms',
      better: 'less',
    },
  ],
  entrants: queues.map((name) => entrant(name, latenessRound)),
};

async function priorityRound(arena: Arena, sizes: Sizes): Promise<Round> {
  const { priorityBacklog: backlog, urgentJobs } = sizes;
  await arena.fill(backlog, { priority: 'ordinary' });
  const both = await startBoth(arena, backlog + urgentJobs, 5);
  const { worker, producer } = both;
  await handledAll(worker, 1_000);
  const begun = monotonic();
  for (let i = 1; i <= urgentJobs; i++) {
    await producer.ask('sendUrgent');
    await sleep(Math.max(0, begun + i * URGENT_EVERY_MS - monotonic()));
  }
  const delays: number[] = [];
  await until('the urgent jobs', async () => {
    delays.push(...(await worker.ask('delays')));
    return delays.length >= urgentJobs;
  });
  const left = backlog - (await worker.ask('handled'));
  if (left <= 0)
    throw new Error('The backlog was gone before the urgent jobs were.');
  arena.acknowledge(urgentJobs);
  await arena.verify(worker);
  return { 'priority-worst': Math.max(...delays) };
}

export const priority: Scenario = {
  name: 'priority',
  title:
    'A worker with 50 slots, handlers that wait 5 ms, 100 000 ordinary jobs waiting: from the call that enqueues an urgent job to its handler, the worst of five.',
  measures: [
    {
      id: 'priority-worst',
      title: 'an urgent job behind 100 000 others starts after',
      unit: 'ms',
      better: 'less',
    },
  ],
  entrants: queues.map((name) => entrant(name, priorityRound, 'priority')),
};
