import type { Arena } from '../harness/arena.js';
import { median, percentile } from '../report/statistics.js';
import { SLOTS, type Round, type Scenario } from './scenario.js';
import {
  entrant,
  handledAll,
  queues,
  startApart,
  type Sides,
} from './single-jobs.js';
import type { Sizes } from './sizes.js';

/** Single jobs before those that count. */
const WARM_UP_JOBS = 50;

interface SetUp {
  /** Its measures are this and `-p50` or `-p99`. */
  id: string;
  title: string;
  start: (arena: Arena, capacity: number) => Promise<Sides>;
}

/** A queue may have a shorter way from a producer to a worker beside it than to one in another process, so there is a number for each. */
const SET_UPS: readonly SetUp[] = [
  {
    id: 'latency',
    title: 'one process',
    start: async (arena, capacity) => {
      const both = await arena.startBoth(SLOTS, capacity);
      return { producer: both, worker: both };
    },
  },
  { id: 'latency-apart', title: 'two processes', start: startApart },
];

async function latencyRound(
  { id, start }: SetUp,
  arena: Arena,
  { latencyJobs: count, latencyPauseMs: pauseMs }: Sizes,
): Promise<Round> {
  const { producer, worker } = await start(arena, WARM_UP_JOBS + count);
  await producer.ask('send', { count: WARM_UP_JOBS, pauseMs });
  await handledAll(worker, WARM_UP_JOBS);
  await worker.ask('delays');
  await producer.ask('send', { count, pauseMs });
  await handledAll(worker, WARM_UP_JOBS + count);
  const delays = await worker.ask('delays');
  arena.acknowledge(WARM_UP_JOBS + count);
  await arena.verify(worker);
  return {
    [`${id}-p50`]: median(delays),
    [`${id}-p99`]: percentile(delays, 0.99),
  };
}

export const latency: Scenario = {
  name: 'latency',
  title:
    'An idle system, from the call of enqueue to the start of the handler: in one process that enqueues and works, and from a producer process to a worker process.',
  measures: SET_UPS.flatMap(({ id, title }) =>
    ['p50', 'p99'].map((which) => ({
      id: `${id}-${which}`,
      title: `latency, idle, ${title}: enqueue call → handler, ${which}`,
      unit: 'ms',
      better: 'less',
    })),
  ),
  entrants: SET_UPS.flatMap((setUp) =>
    queues.map((name) => ({
      ...entrant(name, (arena, sizes) => latencyRound(setUp, arena, sizes)),
      label: setUp.title,
    })),
  ),
};
