import { setTimeout as sleep } from 'node:timers/promises';

/** Monotonic milliseconds that all processes of this machine share. */
export const monotonic = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Far above what any contestant needs; a run that hangs must say so. */
const PATIENCE_MS = 10 * 60_000;
const LOOK_MS = 5;

/** Waits for a condition. @throws with `what` when it does not come true. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const deadline = monotonic() + patienceMs;
  while (!(await condition())) {
    if (monotonic() > deadline)
      throw new Error(`Waited ${patienceMs / 1000} s in vain for ${what}.`);
    await sleep(LOOK_MS);
  }
}
