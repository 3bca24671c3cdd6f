import { dispatch } from './dispatch.js';
import { idle } from './idle.js';
import { latency } from './latency.js';
import { pinnedHorizon } from './pinned.js';
import { scaleOut } from './scale-out.js';
import type { Measure, Scenario } from './scenario.js';
import { finishedRows, pendingRows, tomorrow } from './table-shape.js';
import { bulk, enqueue, process } from './throughput.js';
import { priority, scheduled } from './timing.js';

/** In the order in which they are run and shown. */
export const SCENARIOS: readonly Scenario[] = [
  process,
  enqueue,
  bulk,
  latency,
  scheduled,
  priority,
  finishedRows,
  pendingRows,
  tomorrow,
  pinnedHorizon,
  idle,
  scaleOut,
  dispatch,
];

export const MEASURES: readonly Measure[] = SCENARIOS.flatMap(
  ({ measures }) => measures,
);

/** @throws for one that no scenario has. */
export function measure(id: string): Measure {
  const found = MEASURES.find((each) => each.id === id);
  if (!found) throw new Error(`No scenario measures "${id}".`);
  return found;
}
