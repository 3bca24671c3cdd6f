import { setTimeout as sleep } from 'node:timers/promises';
import type { Arena } from '../harness/arena.js';
import { monotonic, until } from '../harness/clock.js';
import { median, percentile } from '../report/statistics.js';
import type { Round, Scenario } from './scenario.js';
import { entrant, handledAll, queues, startApart } from './single-jobs.js';
import type { Sizes } from './sizes.js';

const AHEAD_MS = 3_000;
const EVERY_MS = 10;
/** Urgent jobs come at this distance. */
const URGENT_EVERY_MS = 700;

async function latenessRound(
  arena: Arena,
  { scheduledJobs: count }: Sizes,
): Promise<Round> {
  const { producer, worker } = await startApart(arena, count);
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
  const { producer, worker } = await startApart(arena, backlog + urgentJobs, 5);
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
