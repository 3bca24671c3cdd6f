import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultLog } from './fault-log.js';
import type { Slot } from './slot.js';
import type { WireMode } from './wire.js';

/** Cuts, swallows, holds or slows what goes between the processes of `slots` and a server, for a while. */
export async function disturb(
  log: FaultLog,
  slots: readonly Slot[],
  server: 'postgres' | 'redis',
  mode: Exclude<WireMode, 'open'>,
  forMs: number,
): Promise<void> {
  // The wire to Redis cannot make anyone lose a lease, so it is no cause of anything: it has the server's scope.
  const scope = server === 'postgres' ? 'process' : 'redis';
  const kind = `wire ${server} ${mode}`;
  log.count(kind);
  const ends = slots.map((slot) => {
    const pid = slot.child?.pid ?? null;
    slot.wires[server].set(mode);
    return { slot, pid, over: log.begin(kind, scope, pid) };
  });
  await sleep(forMs);
  for (const { slot, pid, over } of ends) {
    slot.wires[server].set('open');
    over();
    // Its successor was born with the cut wire.
    const heir = slot.child?.pid;
    if (heir !== undefined && heir !== pid) log.inherit(pid, heir);
  }
}
