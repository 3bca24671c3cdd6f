import { CONTESTANTS, type ContestantName } from '../contestants/names.js';
import type { Arena } from '../harness/arena.js';
import { inArena } from './in-arena.js';
import type { Scenario } from './scenario.js';
import type { Sizes } from './sizes.js';
import { workOff } from './work-off.js';

const CALLERS = 100;
const BULK = 1_000;

const all = [...CONTESTANTS];
const queues = all.filter((name) => name !== 'floor');

const entrants = (
  contestants: readonly ContestantName[],
  round: (arena: Arena, sizes: Sizes) => Promise<Record<string, number>>,
): Scenario['entrants'] =>
  contestants.map((contestant) => ({
    contestant,
    round: ({ ground, sizes }) =>
      inArena(ground, contestant, {}, (arena) => round(arena, sizes)),
  }));

export const process: Scenario = {
  name: 'process',
  title:
    'One worker process with 50 slots works off a backlog; the handlers return at once.',
  measures: [
    {
      id: 'process',
      title: 'process no-op jobs',
      unit: 'jobs/s',
      better: 'more',
    },
  ],
  entrants: entrants(all, async (arena, sizes) => {
    await arena.fill(sizes.backlog);
    const { rate } = await workOff(arena, sizes);
    return { process: rate };
  }),
};

export const enqueue: Scenario = {
  name: 'enqueue',
  title:
    '100 concurrent callers in one process, each awaiting the acknowledgement of one job before the next; no worker runs.',
  measures: [
    {
      id: 'enqueue',
      title: 'enqueue one by one, 100 callers',
      unit: 'jobs/s',
      better: 'more',
    },
  ],
  entrants: entrants(queues, async (arena, { warmUpMs, windowMs: ms }) => {
    const producer = await arena.startProducer();
    const { rate, acknowledged } = await producer.ask('oneByOne', {
      callers: CALLERS,
      warmUpMs,
      ms,
    });
    arena.acknowledge(acknowledged);
    await arena.verify();
    return { enqueue: rate };
  }),
};

export const bulk: Scenario = {
  name: 'bulk',
  title:
    'One caller enqueues 1 000 jobs with each call, awaited; no worker runs.',
  measures: [
    {
      id: 'bulk',
      title: 'enqueue in bulk, 1 000 a call',
      unit: 'jobs/s',
      better: 'more',
    },
  ],
  entrants: entrants(all, async (arena, { warmUpMs, windowMs: ms }) => {
    const producer = await arena.startProducer();
    const { rate, acknowledged } = await producer.ask('inBulk', {
      size: BULK,
      warmUpMs,
      ms,
    });
    arena.acknowledge(acknowledged);
    await arena.verify();
    return { bulk: rate };
  }),
};
