import type { Profile } from '../profile.js';
import type { Random } from '../random.js';

/** One thing that is done to the system: when (ms after the start of the storm), what, and with which numbers. */
export type PlannedFault = { at: number } & (
  | { kind: 'kill'; slot: number }
  | { kind: 'freeze'; slot: number; forMs: number }
  | { kind: 'rolling restart' }
  | { kind: 'crash postgres'; downMs: number }
  | { kind: 'kill backend' }
  | { kind: 'terminate backends' }
  | { kind: 'read-only'; forMs: number }
  | { kind: 'limit connections'; forMs: number }
  | { kind: 'flush redis' }
  | { kind: 'restart redis'; downMs: number }
  | { kind: 'pause redis'; forMs: number }
  | { kind: 'fill redis'; forMs: number }
  | { kind: 'forge ids' }
  | {
      kind: 'wire';
      mode: 'reset' | 'swallow' | 'hold' | 'slow' | 'truncate';
      server: 'postgres' | 'redis';
      /** Which processes; all when empty. */
      slots: number[];
      forMs: number;
    }
);

/** Everything that a seed does in a storm, in the order of time. Slots are drawn without regard to how many there are: the storm takes the remainder. */
export function planStorm(profile: Profile, random: Random): PlannedFault[] {
  const { rounds, stormMs, calmMs, perRound } = profile;
  const plan: PlannedFault[] = [];
  for (let round = 0; round < rounds; round++) {
    const begin = round * (stormMs + calmMs);
    const add = (count: number, draw: () => Omit<PlannedFault, 'at'>): void => {
      for (let n = 0; n < count; n++)
        plan.push({
          at: begin + Math.round(random.between(0, stormMs)),
          ...draw(),
        } as PlannedFault);
    };
    const slot = (): number => random.int(0, 1_000);
    add(perRound.kills, () => ({ kind: 'kill', slot: slot() }));
    add(perRound.stops, () => ({
      kind: 'freeze',
      slot: slot(),
      // Half of them for longer than the lease.
      forMs: random.int(300, 6_000),
    }));
    add(perRound.postgresCrashes, () =>
      random.chance(0.75)
        ? { kind: 'crash postgres', downMs: random.int(0, 3_000) }
        : { kind: 'kill backend' },
    );
    add(perRound.postgresFaults, () =>
      random.pick([
        { kind: 'terminate backends' },
        { kind: 'read-only', forMs: random.int(500, 2_500) },
        { kind: 'limit connections', forMs: random.int(500, 2_500) },
      ]),
    );
    add(perRound.redisWipes, () =>
      random.chance(0.5)
        ? { kind: 'flush redis' }
        : { kind: 'restart redis', downMs: random.int(0, 3_000) },
    );
    add(perRound.redisFaults, () =>
      random.pick([
        { kind: 'pause redis', forMs: random.int(200, 2_000) },
        { kind: 'fill redis', forMs: random.int(500, 2_000) },
        { kind: 'forge ids' },
      ]),
    );
    const slots = (): number[] =>
      random.chance(0.2) ? [] : Array.from({ length: random.int(1, 2) }, slot);
    const server = (): 'postgres' | 'redis' =>
      random.pick(['postgres', 'redis']);
    add(perRound.cuts, () => ({
      kind: 'wire',
      mode: random.pick(['reset', 'swallow', 'hold']),
      server: server(),
      slots: slots(),
      forMs: random.int(300, 5_000),
    }));
    add(perRound.wireFaults, () => ({
      kind: 'wire',
      mode: random.pick(['slow', 'truncate']),
      server: server(),
      slots: slots(),
      forMs: random.int(500, 4_000),
    }));
    if (round % 2 === 1) add(1, () => ({ kind: 'rolling restart' }));
  }
  return plan.sort((a, b) => a.at - b.at);
}
