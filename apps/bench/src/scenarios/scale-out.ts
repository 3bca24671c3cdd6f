import type { ContestantName } from '../contestants/names.js';
import type { Arena } from '../harness/arena.js';
import { monotonic, until } from '../harness/clock.js';
import { inArena } from './in-arena.js';
import { SLOTS, type Entrant, type Scenario } from './scenario.js';
import type { Sizes } from './sizes.js';

const HANDLER_MS = 5;
const PROCESSES = [1, 2, 4];
const contestants: readonly ContestantName[] = [
  'kyu',
  'bullmq',
  'graphile-worker',
];

/** All workers together, from when each has warmed up. */
async function rateOf(
  arena: Arena,
  processes: number,
  { scaleBacklog: backlog, warmUp, windowMs }: Sizes,
): Promise<number> {
  await arena.fill(backlog);
  const workers = await Promise.all(
    Array.from({ length: processes }, (_, i) => arena.start(`worker ${i + 1}`)),
  );
  await Promise.all(
    workers.map((worker) =>
      worker.ask('work', {
        slots: SLOTS,
        capacity: backlog,
        waitMs: HANDLER_MS,
      }),
    ),
  );
  const look = async () => {
    const handled = await Promise.all(
      workers.map((each) => each.ask('handled')),
    );
    return {
      at: monotonic(),
      least: Math.min(...handled),
      sum: handled.reduce((sum, each) => sum + each, 0),
    };
  };
  let from = await look();
  await until('all workers to be warm', async () => {
    from = await look();
    return from.least >= warmUp / 4;
  });
  let to = from;
  await until('the window to end', async () => {
    to = await look();
    return to.at - from.at >= windowMs || to.sum >= backlog * 0.9;
  });
  await arena.verify(...workers);
  return (to.sum - from.sum) / ((to.at - from.at) / 1000);
}

const entrant = (contestant: ContestantName, processes: number): Entrant => ({
  contestant,
  label: `${processes} process${processes > 1 ? 'es' : ''}`,
  round: ({ ground, sizes }) =>
    inArena(ground, contestant, {}, async (arena) => ({
      [`scale-${processes}`]: await rateOf(arena, processes, sizes),
    })),
});

export const scaleOut: Scenario = {
  name: 'scale-out',
  title:
    'One, two and four worker processes with 50 slots each, and handlers that wait 5 ms.',
  measures: PROCESSES.map((count) => ({
    id: `scale-${count}`,
    title: `handlers that wait 5 ms, ${count} process${count > 1 ? 'es' : ''}`,
    unit: 'jobs/s',
    better: 'more',
  })),
  entrants: PROCESSES.flatMap((count) =>
    contestants.map((name) => entrant(name, count)),
  ),
};
