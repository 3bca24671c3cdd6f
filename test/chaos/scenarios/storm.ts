import { setTimeout as sleep } from 'node:timers/promises';
import { FAILPOINTS } from '../app/failpoint-names.js';
import type { MutantName } from '../app/mutant-names.js';
import type { FailpointSetting } from '../app/settings.js';
import { Arena, anyIds } from '../harness/arena.js';
import { ServerFaults } from '../harness/server-faults.js';
import type { Slot } from '../harness/slot.js';
import { disturb } from '../harness/wire-faults.js';
import type { Profile } from '../profile.js';
import type { Random } from '../random.js';
import type { Ground } from './scenario.js';
import { planStorm, type PlannedFault } from './storm-plan.js';

const STOP_PATIENCE_MS = 15_000;
const ENOUGH_PATIENCE_MS = 120_000;
/** Passages are many at the seams of every job, few at the others. */
const PROBABILITY: Readonly<Record<string, number>> = {
  'chaos-mid-rescue': 0.1,
  'chaos-mid-refill': 0.1,
  'chaos-mid-promote': 0.02,
  'chaos-mid-release': 0.5,
  'chaos-mid-start': 0.1,
};
const USUAL_PROBABILITY = 0.003;

/** Everything at once: the processes of a small company on a very bad day. */
export async function openStorm(
  { servers, workspace, random }: Ground,
  profile: Profile,
  mutants: readonly MutantName[],
): Promise<Arena> {
  const arena = await Arena.open(servers, workspace, {
    name: 'storm',
    random: random.fork('storm'),
    mutants,
    failpoints: drawFailpoints,
    kyu: { heartbeatTimeoutMs: 2_500 },
  });
  await arena.addWorkers(profile.workers);
  await arena.addProducers(profile.producers, {
    perSecond: profile.jobsPerSecond,
    mix: profile.mix,
    laterMs: [200, 6_000],
    // A handler that blocks takes part of the lease away from all others of its process.
    workMs: [50, 1_000],
  });
  await arena.addProducers(1, { perSecond: 3 }, 'canceller');
  await arena.ready();
  return arena;
}

/** Half of the processes have one weak point. */
function drawFailpoints(random: Random): FailpointSetting[] {
  if (random.chance(0.5)) return [];
  const name = random.pick(FAILPOINTS);
  return [
    {
      name,
      probability: PROBABILITY[name] ?? USUAL_PROBABILITY,
      signal: random.chance(0.75) ? 'SIGKILL' : 'SIGSTOP',
    },
  ];
}

/** Until the last fault is over, and the last calm. */
export async function blowStorm(
  arena: Arena,
  profile: Profile,
  random: Random,
  say: (line: string) => void,
): Promise<void> {
  const plan = planStorm(profile, random.fork('plan'));
  const faults = new ServerFaults(arena);
  const begunAt = performance.now();
  const under: Promise<void>[] = [];
  for (const fault of plan) {
    await sleep(Math.max(0, begunAt + fault.at - performance.now()));
    say(`${(fault.at / 1000).toFixed(1)} s: ${describe(fault)}`);
    under.push(
      apply(arena, faults, fault).catch((error: Error) =>
        say(`   ${fault.kind} did not go as planned: ${error.message}`),
      ),
    );
  }
  await Promise.all(under);
  await faults.over();
  await sleep(profile.calmMs);
  await enoughJobs(arena, profile.atLeast.jobs ?? 0);
}

/** A slow machine enqueues less in the same time, and must not fail for that; the producers are still at it. */
async function enoughJobs(arena: Arena, least: number): Promise<void> {
  const deadline = performance.now() + ENOUGH_PATIENCE_MS;
  for (;;) {
    const [row] = await arena.sql<{ jobs: number }>(
      'SELECT count(*)::int AS jobs FROM @.kyu_jobs',
    );
    if (row!.jobs >= least || performance.now() > deadline) return;
    await sleep(500);
  }
}

const describe = ({ at: _at, kind, ...numbers }: PlannedFault): string =>
  `${kind} ${Object.entries(numbers)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ')}`;

async function apply(
  arena: Arena,
  faults: ServerFaults,
  fault: PlannedFault,
): Promise<void> {
  const slotAt = (index: number): Slot =>
    arena.slots[index % arena.slots.length]!;
  switch (fault.kind) {
    case 'kill':
      return slotAt(fault.slot).kill();
    case 'freeze':
      return slotAt(fault.slot).freeze(fault.forMs);
    case 'rolling restart':
      for (const slot of arena.workers) await slot.restart(STOP_PATIENCE_MS);
      return;
    case 'crash postgres':
      return faults.crashPostgres(fault.downMs);
    case 'kill backend':
      return faults.killBackend();
    case 'terminate backends':
      return faults.terminateBackends();
    case 'read-only':
      return faults.readOnly(fault.forMs);
    case 'limit connections':
      return faults.limitConnections(fault.forMs);
    case 'flush redis':
      return faults.flushRedis();
    case 'restart redis':
      return faults.restartRedis(fault.downMs);
    case 'pause redis':
      return faults.pauseRedis(fault.forMs);
    case 'fill redis':
      return faults.fillRedis(fault.forMs);
    case 'forge ids':
      return faults.forgeIds(await anyIds(arena));
    case 'wire': {
      const slots = fault.slots.length
        ? [...new Set(fault.slots.map(slotAt))]
        : arena.slots;
      return disturb(
        arena.faults,
        slots,
        fault.server,
        fault.mode,
        fault.forMs,
      );
    }
  }
}
