import { inArena } from './in-arena.js';
import type { Entrant, Measure, Run, Scenario } from './scenario.js';
import type { Sizes } from './sizes.js';
import { tableWith } from './templates.js';
import { workOff } from './work-off.js';

/** The short backlog behind what is worked off. */
const SHORT = 10_000;

const rate = (id: string, title: string): Measure => ({
  id,
  title,
  unit: 'jobs/s',
  better: 'more',
});
const memory = (id: string, title: string): Measure => ({
  id,
  title,
  unit: 'MiB',
  better: 'less',
});

/** Kyu works off a fresh backlog in a table that holds `rows` of a kind already. */
const beside = (
  id: string,
  label: string,
  kind: 'finished' | 'scheduled',
  rows: (sizes: Sizes) => number,
): Entrant => ({
  contestant: 'kyu',
  label,
  round: async ({ ground, sizes }) => {
    const template = await tableWith(kind, rows(sizes), ground);
    return inArena(ground, 'kyu', { template }, async (arena) => {
      await arena.fill(sizes.backlog);
      return { [id]: (await workOff(arena, sizes)).rate };
    });
  },
});

export const finishedRows: Scenario = {
  name: 'finished-rows',
  title:
    'The process scenario with an empty table, and with five million finished jobs in it.',
  measures: [
    rate('process-empty', 'process, empty table'),
    rate('process-finished', 'process, 5 M finished rows in the table'),
  ],
  entrants: [
    beside('process-empty', 'empty table', 'finished', () => 0),
    beside(
      'process-finished',
      '5 M finished rows',
      'finished',
      ({ finishedRows: rows }) => rows,
    ),
  ],
};

export const tomorrow: Scenario = {
  name: 'tomorrow',
  title:
    'The process scenario with nothing scheduled, and with a million jobs scheduled for tomorrow.',
  measures: [
    rate('process-none-scheduled', 'process, nothing scheduled'),
    rate('process-scheduled', 'process, 1 M jobs scheduled for tomorrow'),
  ],
  entrants: [
    beside('process-none-scheduled', 'nothing scheduled', 'scheduled', () => 0),
    beside(
      'process-scheduled',
      '1 M for tomorrow',
      'scheduled',
      ({ scheduledRows }) => scheduledRows,
    ),
  ],
};

async function kyuRound({ ground, sizes }: Run, behind: number, id: string) {
  const waiting = sizes.backlog + behind;
  const template = await tableWith('pending', waiting, ground);
  return inArena(ground, 'kyu', { template }, async (arena) =>
    named(
      id,
      await ground.redisMemoryMb(),
      await workOff(arena, sizes, waiting),
    ),
  );
}

async function bullRound({ ground, sizes }: Run, behind: number, id: string) {
  const waiting = sizes.backlog + behind;
  return inArena(ground, 'bullmq', {}, async (arena) => {
    const empty = await ground.redisMemoryMb();
    await arena.fill(waiting);
    return named(id, empty, await workOff(arena, sizes, waiting));
  });
}

const named = (
  id: string,
  emptyMb: number,
  worked: Awaited<ReturnType<typeof workOff>>,
) => ({
  [`process-${id}`]: worked.rate,
  [`redis-${id}`]: worked.redisMb - emptyMb,
  [`memory-${id}`]: worked.peakMemoryMb,
});

export const pendingRows: Scenario = {
  name: 'pending-rows',
  title:
    'The process scenario with ten thousand jobs waiting behind those that are measured, and with a million; the memory of Redis and of the worker meanwhile.',
  measures: [
    rate('process-10k', 'process, 10 k jobs waiting behind'),
    rate('process-1m', 'process, 1 M jobs waiting behind'),
    memory('redis-10k', 'Redis memory, 10 k jobs waiting behind'),
    memory('redis-1m', 'Redis memory, 1 M jobs waiting behind'),
    memory('memory-10k', 'worker, peak resident memory, 10 k behind'),
    memory('memory-1m', 'worker, peak resident memory, 1 M behind'),
  ],
  entrants: [
    {
      contestant: 'kyu',
      label: '10 k behind',
      round: (run) => kyuRound(run, SHORT, '10k'),
    },
    {
      contestant: 'kyu',
      label: '1 M behind',
      round: (run) => kyuRound(run, run.sizes.pendingRows, '1m'),
    },
    {
      contestant: 'bullmq',
      label: '10 k behind',
      round: (run) => bullRound(run, SHORT, '10k'),
    },
    {
      contestant: 'bullmq',
      label: '1 M behind',
      round: (run) => bullRound(run, run.sizes.pendingRows, '1m'),
    },
  ],
};
