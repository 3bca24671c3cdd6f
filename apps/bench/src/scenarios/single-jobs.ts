import type { Tuning } from '../contestants/contestant.js';
import { CONTESTANTS } from '../contestants/names.js';
import type { Arena, ContestantProgram } from '../harness/arena.js';
import { until } from '../harness/clock.js';
import { inArena } from './in-arena.js';
import { SLOTS, type Entrant, type Round } from './scenario.js';
import type { Sizes } from './sizes.js';

// What the scenarios share that are about when a job starts, and not about how many do.

export const entrant = (
  contestant: Entrant['contestant'],
  round: (arena: Arena, sizes: Sizes) => Promise<Round>,
  tuning: Tuning = 'latency',
): Entrant => ({
  contestant,
  round: ({ ground, sizes }) =>
    inArena(ground, contestant, { tuning }, (arena) => round(arena, sizes)),
});

export const queues = CONTESTANTS.filter((name) => name !== 'floor');

/** Those who enqueue and work; they may be the same process. */
export interface Sides {
  producer: ContestantProgram;
  worker: ContestantProgram;
}

/** A worker that waits for jobs, and a producer in another process. */
export async function startApart(
  arena: Arena,
  capacity: number,
  waitMs = 0,
): Promise<Sides> {
  const worker = await arena.start('worker');
  await worker.ask('work', { slots: SLOTS, capacity, waitMs });
  return { producer: await arena.startProducer(), worker };
}

export const handledAll = (
  worker: ContestantProgram,
  count: number,
): Promise<void> =>
  until(
    `${count} jobs to be handled`,
    async () => (await worker.ask('handled')) >= count,
    120_000,
  );
