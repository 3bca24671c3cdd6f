import { setTimeout as sleep } from 'node:timers/promises';
import { disturb } from '../harness/wire-faults.js';
import type { Scenario } from './scenario.js';

/** A moment in which what was enqueued is claimed and begun. */
const BEGIN_MS = 300;
const STOP_PATIENCE_MS = 10_000;
/** With 30, a minute, it was tried once by hand; this leaves the short profile short. */
const ALL_KILLED_TIMES = 8;

/** What can happen to a worker. */
export const WORKER_SCENARIOS: readonly Scenario[] = [
  {
    name: 'stopped worker',
    about:
      'a worker full of handlers that ignore their signal stands still for longer than its lease, and comes back',
    quiesceMs: 15_000,
    mutants: {
      'fence-dropped': [
        'late settle accepted',
        'illegal transition',
        'terminal resurrected',
      ],
      'two-step-reaper': ['terminal resurrected', 'illegal transition'],
    },
    async run(arena) {
      const [worker] = await arena.addWorkers(2);
      await arena.addProducers(1, {
        mix: { stubborn: 1 },
        workMs: [1_200, 2_500],
        perSecond: 400,
        limit: 40,
      });
      await arena.ready();
      await arena.produced();
      await sleep(BEGIN_MS);
      await worker!.freeze(arena.kyu.heartbeatTimeoutMs + 1_200);
      await sleep(2_000);
    },
  },
  {
    name: 'rolling restarts',
    about:
      'workers are stopped one after the other, with less patience than their handlers need',
    options: { kyu: { drainTimeoutMs: 200 } },
    quiesceMs: 15_000,
    mutants: { 'token-reused': ['token reused'] },
    async run(arena) {
      await arena.addWorkers(2);
      const producers = await arena.addProducers(1, {
        mix: { slow: 1 },
        workMs: [800, 1_500],
        perSecond: 100,
        limit: 120,
      });
      await arena.ready();
      await arena.produced(producers);
      for (const worker of arena.workers)
        await worker.restart(STOP_PATIENCE_MS);
      await arena.ready(arena.workers);
    },
  },
  {
    name: 'cut from postgres',
    about: 'one worker loses Postgres for longer than its lease, and runs on',
    quiesceMs: 15_000,
    mutants: { 'no-self-fence': ['overlap'] },
    async run(arena) {
      const [worker] = await arena.addWorkers(2);
      await arena.addProducers(1, {
        mix: { slow: 1 },
        workMs: [3_800, 4_300],
        timeoutMs: 10_000,
        perSecond: 400,
        limit: 36,
      });
      await arena.ready();
      await arena.produced();
      await sleep(BEGIN_MS);
      await disturb(arena.faults, [worker!], 'postgres', 'reset', 3_500);
    },
  },
  {
    name: 'blocked loop',
    about: 'handlers block the event loop for longer than the lease',
    options: { kyu: { staleJobTimeoutMs: 15_000 } },
    quiesceMs: 15_000,
    mutants: { 'heartbeat-on-main-thread': ['doubled without a cause'] },
    async run(arena) {
      await arena.addWorkers(2);
      await arena.addProducers(1, {
        mix: { blocking: 1 },
        workMs: [2_900, 3_100],
        timeoutMs: 15_000,
        batchShare: 0,
        perSecond: 100,
        limit: 3,
      });
      await arena.ready();
      await arena.produced();
    },
  },
  {
    name: 'blocked while cut',
    about:
      'a worker loses Postgres for longer than its lease while its event loop is blocked, and has it back before it can notice',
    options: { kyu: { staleJobTimeoutMs: 15_000 } },
    quiesceMs: 20_000,
    mutants: {},
    async run(arena) {
      const [victim, other] = await arena.addWorkers(2);
      await arena.ready();
      other!.pause();
      const long = await arena.addProducers(1, {
        mix: { slow: 1 },
        workMs: [7_500, 8_000],
        timeoutMs: 15_000,
        perSecond: 1_000,
        limit: 12,
      });
      await arena.produced(long);
      const block = await arena.addProducers(1, {
        mix: { blocking: 1 },
        workMs: [5_000, 5_000],
        // Whoever takes the jobs over begins the others first.
        priorities: [-9, -9],
        timeoutMs: 15_000,
        batchShare: 0,
        limit: 1,
      });
      await arena.produced(block);
      await sleep(BEGIN_MS);
      other!.wake();
      await disturb(arena.faults, [victim!], 'postgres', 'reset', 3_600);
      await sleep(1_500);
    },
  },
  {
    name: 'transactional handlers',
    about:
      'workers are killed in the middle of handlers whose commit also completes their jobs; every second job fails once after it has written',
    quiesceMs: 15_000,
    mutants: {
      'effects-before-settle': ['effects of no completion'],
      'failure-commits': ['effects of no completion'],
    },
    async run(arena) {
      await arena.addWorkers(2);
      const producers = await arena.addProducers(1, {
        mix: { booking: 1 },
        workMs: [20, 200],
        perSecond: 100,
        limit: 150,
      });
      await arena.ready();
      for (let kill = 0; kill < 4; kill++) {
        await sleep(600);
        arena.workers[kill % 2]!.kill();
      }
      await arena.produced(producers);
    },
  },
  {
    name: 'own jobs',
    about:
      'processes that run what they enqueue, claimed by the statement that stores it, are killed during it, frozen, and lose its answer',
    options: {
      failpoints: () => [
        { name: 'chaos-mid-enqueue', probability: 0.01, signal: 'SIGKILL' },
      ],
    },
    quiesceMs: 15_000,
    mutants: { 'own-job-before-commit': ['lost', 'started without a claim'] },
    async run(arena) {
      await arena.addWorkers(1);
      // So few that they nearly always find their process idle.
      const both = await arena.addProducers(
        2,
        { mix: { fast: 9, flaky: 1 }, perSecond: 40, batchShare: 0.1 },
        'both',
      );
      await arena.ready();
      for (let round = 0; round < 3; round++) {
        await arena.ready();
        await sleep(700);
        // After a lost answer a process claims nothing so for a while: the one that is started next will.
        await disturb(arena.faults, [both[0]!], 'postgres', 'reset', 300);
        both[0]!.kill();
        await both[1]!.freeze(arena.kyu.heartbeatTimeoutMs + 500);
        await sleep(300);
        both[1]!.kill();
      }
    },
  },
  {
    name: 'every worker',
    about:
      'every worker is killed every two seconds, and Redis is flushed in a loop',
    alone: true,
    quiesceMs: 60_000,
    mutants: {},
    async run(arena, faults) {
      await arena.addWorkers(2);
      await arena.addProducers(1, {
        mix: { fast: 8, slow: 2 },
        perSecond: 300,
      });
      await arena.ready();
      for (let kill = 0; kill < ALL_KILLED_TIMES; kill++) {
        for (let flush = 0; flush < 4; flush++) {
          await faults.flushRedis();
          await sleep(500);
        }
        for (const worker of arena.workers) worker.kill();
      }
    },
  },
  {
    name: 'poison',
    about: 'a job kills every worker that runs it',
    options: {
      kyu: {
        maxCrashes: 3,
        heartbeatIntervalMs: 250,
        heartbeatTimeoutMs: 1_000,
      },
    },
    quiesceMs: 14_000,
    mutants: { 'crash-not-counted': ['unfinished', 'attempts miscounted'] },
    async run(arena) {
      await arena.addWorkers(2);
      await arena.addProducers(1, { perSecond: 40, limit: 45 });
      await arena.addProducers(1, {
        mix: { poison: 1 },
        batchShare: 0,
        limit: 1,
      });
      await arena.ready(arena.producers);
      await arena.produced();
    },
  },
];
