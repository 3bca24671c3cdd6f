import type { Arena } from '../harness/arena.js';
import { SLOTS } from './scenario.js';
import type { Sizes } from './sizes.js';

/** Some of the backlog is left when the window ends, so that no contestant is measured while its queue runs dry. */
const ALMOST_ALL = 0.9;

export interface WorkedOff {
  /** Jobs a second in the window. */
  rate: number;
  /** Of the worker process, at its end. */
  peakMemoryMb: number;
  /** Of all keys in Redis, with the worker at work. */
  redisMb: number;
}

/** One worker process on a backlog, with no-op handlers. Of the jobs that wait, at most `sizes.backlog` are for it. */
export async function workOff(
  arena: Arena,
  { warmUp, windowMs, backlog }: Sizes,
  waiting = backlog,
): Promise<WorkedOff> {
  const worker = await arena.start('worker');
  await worker.ask('work', { slots: SLOTS, capacity: waiting });
  const rate = await worker.ask('rate', {
    warmUp,
    ms: windowMs,
    atMost: Math.floor(backlog * ALMOST_ALL),
  });
  const redisMb = await arena.ground.redisMemoryMb();
  const { peakMemoryMb } = await worker.ask('usage');
  await arena.verify(worker);
  return { rate, peakMemoryMb, redisMb };
}
